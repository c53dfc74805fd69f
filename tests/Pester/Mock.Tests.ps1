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
        Mock Connect-PerfMonitoring { [pscustomobject]@{ Name = 'weekly' } }
        Mock Disconnect-PerfMonitoring { }
        Mock Invoke-IndexRemoval { [pscustomobject]@{ IndexName = $InputObject.IndexName; State = 'Removed' } }
    }

    It 'drops what is recommended' {
        Mock Get-IndexUsageStat {
            [pscustomobject]@{ TableName = 'a'; IndexName = 'a_idx' }
            [pscustomobject]@{ TableName = 'b'; IndexName = 'b_idx' }
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
