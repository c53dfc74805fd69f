Describe 'The store' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $script:database = New-JourneyDatabase
        $script:tables = "select count(*) from information_schema.tables where table_schema = 'perf_monitoring'"
    }

    AfterAll { Remove-JourneyDatabase $database }

    It 'is only shown with -WhatIf' {
        Initialize-PerfMonitoringStore -WhatIf
        Invoke-Sql $tables -Database $database | Should -Be 0
    }

    It 'is made by one command' {
        (Initialize-PerfMonitoringStore).Name | Should -Contain '0001_store.sql'
        [int](Invoke-Sql $tables -Database $database) | Should -BeGreaterThan 4
    }

    It 'is left alone when it is up to date' {
        Initialize-PerfMonitoringStore | Should -BeNullOrEmpty
    }
}
