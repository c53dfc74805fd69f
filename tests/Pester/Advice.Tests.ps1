Describe 'What the advisor considered' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $script:database = New-VisitDatabase
        Initialize-PerfMonitoringStore | Out-Null
    }

    AfterAll { Remove-JourneyDatabase $database }

    It 'is nothing before it ran' {
        { Get-IndexCandidate -ErrorAction Stop } | Should -Throw
    }

    It 'is told with a verdict and a reason each' {
        Get-SlowQuery -Like '*from visits where guest*' | New-IndexStrategy -WhatIf -OutVariable advice | Out-Null
        $chosen = Get-IndexCandidate -Chosen
        $chosen.IndexDefinition | Should -BeLike '*(guest)*'
        $all = Get-IndexCandidate | Sort-Object -Property SizeBytes
        $all.Count | Should -BeGreaterOrEqual 1
        $all | ForEach-Object { $_.Reason | Should -Not -BeNullOrEmpty }
    }

    It 'is of a statement that is passed by hand, too' {
        $statements = 'select id from visits where seen = 7', 'select count(*) from visits where guest = 3'
        $advice = New-IndexStrategy -Query $statements -WhatIf -WarningVariable warnings
        $advice.Count + (Get-IndexCandidate).Count | Should -BeGreaterThan 0
        { New-IndexStrategy -Query 'select id from no_such_table where a = 1' -ErrorAction Stop } |
            Should -Throw -ErrorId 'InvalidQuery,*'
    }
}

Describe 'Whether an index helped' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $script:database = New-VisitDatabase
        Initialize-PerfMonitoringStore | Out-Null
        Update-QueryPerformanceLog | Out-Null
        New-IndexStrategy visits guest -IndexName visits_guest | Invoke-IndexCreation -Confirm:$false | Out-Null
    }

    AfterAll { Remove-JourneyDatabase $database }

    It 'is unknown until the statements ran again' {
        $verdict = Test-IndexStrategy
        $verdict.IndexName | Should -Be 'visits_guest'
        $verdict.Verdict | Should -Be 'Insufficient'
        Test-IndexStrategy -Quiet | Should -BeFalse
    }

    It 'is no reason to take it back by itself' {
        Test-IndexStrategy | Undo-IndexCreation -Confirm:$false
        (Get-IndexUsageStat -TableName visits).IndexName | Should -Contain 'visits_guest'
    }

    It 'can be reverted by hand, with the reason in the history' {
        $strategy = Get-IndexStrategy -IndexName visits_guest
        Undo-IndexCreation -Id $strategy.Id -Reason 'We need the room.' -Confirm:$false | Out-Null
        (Get-IndexUsageStat -TableName visits).IndexName | Should -Not -Contain 'visits_guest'
        (Get-IndexStrategyHistory -IndexName visits_guest -Action Revert).Reason | Should -Be 'We need the room.'
    }
}
