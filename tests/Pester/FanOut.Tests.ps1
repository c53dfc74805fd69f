Describe 'Two databases at once' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $databases = @(New-VisitDatabase; New-VisitDatabase)
        Initialize-PerfMonitoringStore -Session $databases -Confirm:$false | Out-Null
    }

    AfterAll { $databases | ForEach-Object { Remove-JourneyDatabase $_ } }

    It 'decides and builds in each, and tells which is which' {
        $built = Get-SlowQuery -Session journey_* -Like '*from visits where guest*' -Top 20 |
            New-IndexStrategy -WarningAction Ignore | Invoke-IndexCreation -Confirm:$false
        $built.State | Should -Be 'Created', 'Created'
        $built.Target.Database | Sort-Object | Should -Be ($databases | Sort-Object)
    }

    It 'takes strategies out of a file to the database of each' {
        $file = Join-Path $TestDrive 'strategies.xml'
        Get-IndexStrategy -Session $databases | Export-Clixml $file
        Import-Clixml $file | Set-IndexStrategy -UsagePattern Sort
        (Get-IndexStrategy -Session $databases).UsagePattern | Should -Be 'Sort', 'Sort'
    }

    It 'stops when nobody needs more' {
        @(Get-IndexUsageStat -Session $databases | Select-Object -First 1).Count | Should -Be 1
        @(Get-IndexUsageStat -Session $databases).Count | Should -Be 4
    }

    It 'ends at the first error where that is asked for' {
        $told = try { Get-IndexUsageStat -IndexName nosuch -Session $databases -ErrorAction Stop } catch { $_ }
        $told.FullyQualifiedErrorId | Should -BeLike 'IndexNotFound,*'
        "$told" | Should -BeLike 'journey_*: *nosuch*'
    }
}
