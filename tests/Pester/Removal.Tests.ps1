Describe 'Indexes that go' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $script:database = New-VisitDatabase
        Initialize-PerfMonitoringStore | Out-Null
        Invoke-Sql -Database $database -Sql @'
            create index visits_seen on visits (seen);
            create index visits_seen_too on visits (seen);
            create index broken on visits (guest, seen);
            update pg_index set indisvalid = false where indexrelid = 'broken'::regclass;
'@
    }

    AfterAll { Remove-JourneyDatabase $database }

    BeforeEach {
        function Get-IndexName {
            Invoke-Sql "select indexname from pg_indexes where tablename = 'visits' order by 1" -Database $database
        }
    }

    It 'are exported as a report for the meeting' {
        $report = Join-Path $TestDrive 'indexes.csv'
        Get-IndexUsageStat | Sort-Object -Property IndexSizeBytes -Descending |
            Select-Object TableName, IndexName, IndexSizeBytes, IsRecommendedForDrop, Blockers | Export-Csv $report
        $rows = Import-Csv $report
        $rows.IndexName | Should -Contain 'visits_seen_too'
        [long]$rows[0].IndexSizeBytes | Should -BeGreaterThan ([long]$rows[-1].IndexSizeBytes)
    }

    It 'are shown first' {
        Repair-Index -WhatIf
        Invoke-IndexRemoval -IndexName visits_seen_too -WhatIf
        Get-IndexName | Should -Contain 'broken'
        Get-IndexName | Should -Contain 'visits_seen_too'
    }

    It 'are dropped where a build left them broken' {
        (Repair-Index -Confirm:$false).IndexName | Should -Be 'broken'
        Get-IndexName | Should -Not -Contain 'broken'
        Repair-Index -Confirm:$false | Should -BeNullOrEmpty
    }

    It 'stay where they are needed' {
        { Invoke-IndexRemoval -IndexName visits_pkey -Force -Confirm:$false -ErrorAction Stop } |
            Should -Throw -ErrorId 'IndexIsNeeded,*'
        Invoke-IndexRemoval -IndexName no_such_index -Confirm:$false -ErrorAction SilentlyContinue -ErrorVariable failures
        $failures.FullyQualifiedErrorId | Should -BeLike 'IndexNotFound,*'
        Get-IndexName | Should -Contain 'visits_pkey'
    }

    It 'go by parameters from a table, and come back from the audit' {
        $how = @{ IndexName = 'visits_seen_too'; Force = $true; LockTimeout = '00:00:10'; Confirm = $false }
        (Invoke-IndexRemoval @how).State | Should -Be 'Removed'
        Get-IndexName | Should -Not -Contain 'visits_seen_too'

        $dropped = Get-IndexStrategyHistory -Action Drop -Since (Get-Date).AddHours(-1)
        $dropped.IndexName | Should -Contain 'visits_seen_too'
        ($dropped | Where-Object IndexName -EQ 'visits_seen_too' | Undo-IndexRemoval -Confirm:$false).State | Should -Be 'Created'
        Get-IndexName | Should -Contain 'visits_seen_too'
        (Get-IndexStrategyHistory | Group-Object -Property Action | Sort-Object -Property Name).Name |
            Should -Be 'Drop', 'Repair', 'Restore'
    }
}
