Describe 'Importing the module' {
    BeforeAll {
        $script:manifest = Join-Path $PSScriptRoot '../../artifacts/module/PerfMonitoring/PerfMonitoring.psd1'

        # The tests need a new process: this one has loaded the assemblies already.
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
    }

    It 'finds a valid manifest' {
        (Test-ModuleManifest -Path $manifest).Name | Should -Be 'PerfMonitoring'
    }

    It 'exports exactly what the manifest promises' {
        $promised = (Import-PowerShellDataFile $manifest).CmdletsToExport | Sort-Object
        $exported = Invoke-FreshPwsh -Command "Import-Module '$manifest'; (Get-Command -Module PerfMonitoring).Name" | Sort-Object
        $exported | Should -Be $promised
    }

    It 'loads neither Npgsql nor Dapper before the first connection' {
        $loaded = Invoke-FreshPwsh -Command ("Import-Module '$manifest'; " +
            "[AppDomain]::CurrentDomain.GetAssemblies().ForEach{ `$_.GetName().Name }")
        $loaded | Should -Contain 'PerfMonitoring'
        $loaded | Should -Not -Contain 'Npgsql'
        $loaded | Should -Not -Contain 'Dapper'
    }

    It 'uses approved verbs only' {
        $warnings = Invoke-FreshPwsh -Command "Import-Module '$manifest' 3>&1 | Out-String"
        "$warnings".Trim() | Should -BeNullOrEmpty
    }
}
