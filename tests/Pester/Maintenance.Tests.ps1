Describe 'Maintenance windows' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $script:database = New-VisitDatabase
        Initialize-PerfMonitoringStore | Out-Null
    }

    AfterAll { Remove-JourneyDatabase $database }

    It 'have defaults' {
        (Get-MaintenanceWindow Immediate).IsOpen | Should -BeTrue
        (Get-MaintenanceWindow).Window | Sort-Object | Should -Be 'Immediate', 'OffPeak', 'Weekend', 'Scheduled'
    }

    It 'are kept as they are given' {
        $window = @{ Window = 'OffPeak'; CronExpression = '0 0 29 2 *'; Duration = '00:01:00'; TimeZone = 'Europe/Berlin' }
        Set-MaintenanceWindow @window
        $kept = Get-MaintenanceWindow OffPeak
        $kept.CronExpression | Should -Be '0 0 29 2 *'
        $kept.TimeZone | Should -Be 'Europe/Berlin'
        $kept.IsOpen | Should -BeFalse
    }

    It 'say what is wrong with a schedule' {
        { Set-MaintenanceWindow OffPeak '0 25 * * *' -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidCronExpression,*'
        (Get-MaintenanceWindow OffPeak).CronExpression | Should -Be '0 0 29 2 *'
    }

    It 'hold a build back, which comes when they open' {
        $strategy = New-IndexStrategy visits seen -MaintenanceWindow OffPeak
        $held = $strategy | Invoke-IndexCreation -Confirm:$false
        $held.State | Should -Be 'Deferred'
        $held.DeferredUntil | Should -BeGreaterThan (Get-Date)
        $strategy | Set-IndexStrategy -MaintenanceWindow Immediate
        (Invoke-IndexCreation -Pending -Confirm:$false).State | Should -Be 'Created'
    }
}
