Describe 'A workload from the slow query to the index' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $script:database = New-VisitDatabase
        Initialize-PerfMonitoringStore | Out-Null
    }

    AfterAll { Remove-JourneyDatabase $database }

    It 'is seen' {
        $script:slow = Get-SlowQuery -Like '*from visits where guest*'
        $slow.Calls | Should -Be 20
        $slow.Query | Should -BeLike '*guest = $1'
    }

    It 'gets one index, whose gain it tells' {
        $script:strategy = $slow | New-IndexStrategy -StorageBudget 10MB
        $strategy.Columns[0] | Should -Be 'guest'
        $strategy.QueriesHelped | Should -Be 1
        $strategy.CostAfter | Should -BeLessThan $strategy.CostBefore
        $strategy.IsStored | Should -BeTrue
    }

    It 'is built by what is pending' {
        (Invoke-IndexCreation -Pending -Confirm:$false).State | Should -Be 'Created'
        Get-SlowQuery -Like '*from visits where guest*' | New-IndexStrategy | Should -BeNullOrEmpty
    }

    It 'is logged once, however often it is asked' {
        # The build has brought the log up to date.
        (Update-QueryPerformanceLog).Calls | Should -BeLessThan 20
        (Update-QueryPerformanceLog).Calls | Should -BeLessThan 20
        $entry = Get-QueryPerformanceLog -QueryHash $slow.QueryHash
        $entry.Calls | Should -Be 20
        (Get-SlowQuery -FromLog -Like '*visits where guest*').Calls | Should -Be 20
    }

    It 'can be forgotten' {
        Clear-QueryPerformanceLog -Before (Get-Date).AddMinutes(1) -WhatIf
        Get-QueryPerformanceLog | Should -Not -BeNullOrEmpty
        Clear-QueryPerformanceLog -Before (Get-Date).AddMinutes(1) -Confirm:$false | Out-Null
        Get-QueryPerformanceLog | Should -BeNullOrEmpty
    }
}
