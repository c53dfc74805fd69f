Describe 'Limits' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $script:database = New-JourneyDatabase
        Initialize-PerfMonitoringStore | Out-Null
        # A client of another program: the module's own connections do not count.
        $script:client = Start-ThreadJob { psql --no-psqlrc --dbname=$using:database --command='select pg_sleep(120)' 2>$null }
        while (-not (Invoke-Sql "select 1 from pg_stat_activity where datname = '$database' and query like 'select pg_sleep%'")) {
            Start-Sleep -Milliseconds 100
        }
    }

    AfterAll {
        Remove-JourneyDatabase $database
        $client | Remove-Job -Force
    }

    It 'are kept in the values that a person gave, lower being worse for a ratio' {
        New-PerformanceThreshold -MetricType CacheHitRatio -Warning 0.95 -Critical 0.90 | Out-Null
        $kept = Get-PerformanceThreshold -MetricType CacheHitRatio
        $kept.Warning | Should -Be 0.95
        $kept.Critical | Should -Be 0.90
        Invoke-Sql 'select warning_threshold::float8 from perf_monitoring.performance_threshold' -Database $database |
            Should -Be 0.05
    }

    It 'are refused the wrong way round' {
        { New-PerformanceThreshold -MetricType CacheHitRatio -Warning 0.90 -Critical 0.95 -ErrorAction Stop } | Should -Throw
        { New-PerformanceThreshold -MetricType ConnectionCount -Warning 9 -Critical 5 -ErrorAction Stop } | Should -Throw
    }

    It 'say Ok or Critical with the value they speak of' {
        (Test-PerformanceThreshold -MetricType ConnectionCount -Warning 5000 -Critical 6000).State | Should -Be 'Ok'
        $broken = Test-PerformanceThreshold -MetricType ConnectionCount -Warning 0.1 -Critical 0.2
        $broken.State | Should -Be 'Critical'
        $broken.Value | Should -BeGreaterThan 0
    }

    It 'give one bool with -Quiet' {
        Test-PerformanceThreshold -MetricType ConnectionCount -Warning 5000 -Critical 6000 -Quiet | Should -BeTrue
        Test-PerformanceThreshold -MetricType ConnectionCount -Warning 0.1 -Critical 0.2 -Quiet | Should -BeFalse
    }
}
