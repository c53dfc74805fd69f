# An ops script and its tests, as a user of the module writes them: without a server.
Describe 'A script that uses the module' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')

        function Invoke-WeeklyCleanUp {
            [CmdletBinding(SupportsShouldProcess)]
            param([string] $Server)
            $session = Connect-PerfMonitoring -HostName $Server -Name weekly
            try {
                $unused = Get-IndexUsageStat -RecommendedForDrop -Session weekly
                if ($unused -and $PSCmdlet.ShouldProcess($Server, "Drop $(@($unused).Count) indexes")) {
                    $unused | Invoke-IndexRemoval -Session weekly -Confirm:$false
                }
            } finally {
                $session | Disconnect-PerfMonitoring
            }
        }
    }

    BeforeEach {
        Mock Connect-PerfMonitoring { [PerfMonitoring.Sessions.PerfMonitoringSession]@{ Name = 'weekly' } }
        Mock Disconnect-PerfMonitoring { }
        Mock Invoke-IndexRemoval {
            [PerfMonitoring.Changes.IndexRemovalResult]@{ IndexName = $InputObject.IndexName; State = 'Removed' }
        }
    }

    It 'drops what is recommended' {
        Mock Get-IndexUsageStat {
            [PerfMonitoring.Usage.IndexUsageStat]@{ TableName = 'a'; IndexName = 'a_idx' }
            [PerfMonitoring.Usage.IndexUsageStat]@{ TableName = 'b'; IndexName = 'b_idx' }
        }
        Invoke-WeeklyCleanUp -Server db1
        Should -Invoke Connect-PerfMonitoring -Times 1 -Exactly -ParameterFilter { $HostName -eq 'db1' }
        Should -Invoke Invoke-IndexRemoval -Times 2 -Exactly -ParameterFilter { $Session -eq 'weekly' -and -not $Force }
        Should -Invoke Disconnect-PerfMonitoring -Times 1 -Exactly
    }

    It 'drops nothing with -WhatIf, or where there is nothing' {
        Mock Get-IndexUsageStat { [pscustomobject]@{ TableName = 'a'; IndexName = 'a_idx' } }
        Invoke-WeeklyCleanUp -Server db1 -WhatIf
        Mock Get-IndexUsageStat { }
        Invoke-WeeklyCleanUp -Server db1
        Should -Invoke Invoke-IndexRemoval -Times 0 -Exactly
    }

    It 'says good-bye when the server fails' {
        Mock Get-IndexUsageStat { throw 'the server is gone' }
        { Invoke-WeeklyCleanUp -Server db1 } | Should -Throw '*gone*'
        Should -Invoke Disconnect-PerfMonitoring -Times 1 -Exactly
    }
}

Describe 'about_PerfMonitoring_Testing' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $page = Get-Content (Join-Path $PSScriptRoot '../../docs/en-US/about_PerfMonitoring_Testing.md') -Raw
        $script:examples = [regex]::Matches($page, '(?ms)^```powershell\n(.*?)^```').ForEach{ $_.Groups[1].Value }
    }

    It 'makes each object of the page' {
        $made = $examples | Where-Object { $_ -match '^\[' } | ForEach-Object { & ([scriptblock]::Create($_)) }
        $made.Count | Should -BeGreaterThan 6
        $made | ForEach-Object { "$_" } | Should -Not -Match '\n|^PerfMonitoring|^$'
        ($made | Where-Object { $_ -is [PerfMonitoring.Strategies.IndexStrategy] }).IndexDefinition |
            Should -Be 'CREATE INDEX CONCURRENTLY orders_customer_idx ON public.orders USING btree (customer_id, status)'
    }

    It 'passes the tests of the page' {
        $file = Join-Path $TestDrive 'Clear-UnusedIndex.Tests.ps1'
        $examples -match '^function' | Set-Content (Join-Path $TestDrive 'Clear-UnusedIndex.ps1')
        $examples -match '^Describe' | Set-Content $file
        $pester = (Get-Module Pester).Path -replace 'psm1$', 'psd1'
        $modules = Join-Path $PSScriptRoot '../../artifacts/module'
        $run = Invoke-FreshPwsh -Command @"
            `$env:PSModulePath = '$modules' + [IO.Path]::PathSeparator + `$env:PSModulePath
            Import-Module '$pester'
            `$run = Invoke-Pester '$file' -PassThru -Output None
            "`$(`$run.PassedCount) of `$(`$run.TotalCount) on `$((Get-Module Pester).Version.Major)"
"@
        $run | Select-Object -Last 1 | Should -Be "3 of 3 on $((Get-Module Pester).Version.Major)"
    }
}
