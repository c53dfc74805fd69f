Describe 'Objects that went through a file or a job' {
    BeforeDiscovery {
        $script:shapes = 'Clixml', 'Csv', 'Json', 'Job', 'ThreadJob', 'SelectAll' | ForEach-Object { @{ Shape = $_ } }
    }

    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $script:other = New-VisitDatabase
        $script:database = New-VisitDatabase
        Get-PerfMonitoringSession | ForEach-Object {
            Initialize-PerfMonitoringStore -Session $_ | Out-Null
            New-IndexStrategy visits guest -IndexName visits_guest -Session $_ | Out-Null
            Invoke-Sql 'create index visits_seen on visits (seen)' -Database $_.Database
        }

        function ConvertTo-Shape {
            param([Parameter(ValueFromPipeline)] $InputObject, [string] $Shape)
            process {
                $file = Join-Path $TestDrive 'object'
                switch ($Shape) {
                    'Clixml' { $InputObject | Export-Clixml $file; Import-Clixml $file }
                    'Csv' { $InputObject | Export-Csv $file; Import-Csv $file }
                    'Json' { $InputObject | ConvertTo-Json -WarningAction Ignore | ConvertFrom-Json }
                    'Job' { Start-Job { $args[0] } -ArgumentList $InputObject | Receive-Job -Wait }
                    'ThreadJob' { Start-ThreadJob { $using:InputObject } | Receive-Job -Wait }
                    'SelectAll' { $InputObject | Select-Object * }
                }
            }
        }
    }

    AfterAll {
        Remove-JourneyDatabase $database
        Invoke-Sql "drop database $other with (force)"
    }

    It 'refuses what is of another database: <Shape>' -ForEach $shapes {
        $figure = Get-IndexUsageStat -IndexName visits_seen -Session $other | ConvertTo-Shape -Shape $Shape
        { $figure | Invoke-IndexRemoval -Session $database -Force -Confirm:$false -ErrorAction Stop } |
            Should -Throw -ErrorId 'OtherDatabase,*'
        $strategy = Get-IndexStrategy -IndexName visits_guest -Session $other | ConvertTo-Shape -Shape $Shape
        { $strategy | Invoke-IndexCreation -Session $database -Confirm:$false -ErrorAction Stop } |
            Should -Throw -ErrorId 'OtherDatabase,*'
        { $strategy | Remove-IndexStrategy -Session $database -Confirm:$false -ErrorAction Stop } |
            Should -Throw -ErrorId 'OtherDatabase,*'
        $slow = Get-SlowQuery -Like '*visits where guest*' -Top 1 -Session $other | ConvertTo-Shape -Shape $Shape
        { $slow | New-IndexStrategy -Session $database -ErrorAction Stop } | Should -Throw -ErrorId 'OtherDatabase,*'
        (Get-IndexUsageStat -IndexName visits_seen).IndexName | Should -Be 'visits_seen'
    }

    # A job is a process: one journey with it is enough.
    It 'builds, drops and restores as with the live object: <Shape>' -ForEach ($shapes | Where-Object Shape -NE 'Job') {
        $built = Get-IndexStrategy -IndexName visits_guest | ConvertTo-Shape -Shape $Shape | Invoke-IndexCreation -Confirm:$false
        $built.State | Should -BeIn 'Created', 'AlreadyExists'
        $removed = Get-IndexUsageStat -IndexName visits_seen | ConvertTo-Shape -Shape $Shape |
            Invoke-IndexRemoval -Force -Confirm:$false
        $removed.State | Should -Be 'Removed'
        ($removed | ConvertTo-Shape -Shape $Shape | Undo-IndexRemoval -Confirm:$false).State | Should -Be 'Created'
        (Get-SlowQuery -Like '*visits where guest*' -Top 1 | ConvertTo-Shape -Shape $Shape |
            New-IndexStrategy -WhatIf -ErrorVariable failures)
        $failures | Should -BeNullOrEmpty
    }

    It 'takes no id for "whatever its verdict"' {
        $id = Get-IndexStrategy -IndexName visits_guest | Select-Object Id
        { $id | Undo-IndexCreation -Confirm:$false -ErrorAction Stop } | Should -Throw -ErrorId 'ObjectIncomplete,*'
        { $id | Remove-IndexStrategy -Confirm:$false -ErrorAction Stop } | Should -Throw -ErrorId 'ObjectIncomplete,*'
        { Get-IndexStrategy -Session ($id) -ErrorAction Stop } | Should -Throw -ErrorId 'SessionNotLive,*'
    }
}
