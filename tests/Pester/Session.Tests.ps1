Describe 'Connecting' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
    }

    AfterEach { Get-PerfMonitoringSession | Disconnect-PerfMonitoring }

    It 'heeds the PG* variables and makes the session the default' {
        $session = Connect-PerfMonitoring
        $session.IsDefault | Should -BeTrue
        (Get-PerfMonitoringSession).Name | Should -Be $session.Name
    }

    It 'keeps several sessions by name' {
        Connect-PerfMonitoring -Name first | Out-Null
        Connect-PerfMonitoring -Name second | Out-Null
        (Get-PerfMonitoringSession).Name | Sort-Object | Should -Be 'first', 'second'
    }

    It 'says what to do when there is no session' {
        { Get-IndexUsageStat } | Should -Throw -ErrorId 'NotConnected,*'
    }

    It 'names the server that cannot be reached' {
        { Connect-PerfMonitoring -HostName 127.0.0.1 -Port 1 -Database x -ErrorAction Stop } |
            Should -Throw -ErrorId 'ConnectionFailed,*' -ExpectedMessage '*127.0.0.1:1*'
    }

    It 'names the database that is not there' {
        { Connect-PerfMonitoring -Database 'no_such_database' -ErrorAction Stop } |
            Should -Throw -ErrorId 'DatabaseNotFound,*' -ExpectedMessage '*no_such_database*'
    }

    It 'tells each prerequisite with a remedy where it is not met' {
        Connect-PerfMonitoring | Out-Null
        $all = Test-PerfMonitoringPrerequisite
        $all.State | Should -Contain 'Ok'
        $all | Where-Object State -EQ 'Missing' | ForEach-Object { $_.Remedy | Should -Not -BeNullOrEmpty }
    }
}
