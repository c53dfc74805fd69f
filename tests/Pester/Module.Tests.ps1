Describe 'Importing the module' {
    BeforeAll {
        $script:manifest = Join-Path $PSScriptRoot '../../artifacts/module/PerfMonitoring/PerfMonitoring.psd1'
        $script:pwsh = Join-Path $PSHOME pwsh

        # In a fresh process: this one has long loaded what there is to load.
        function Invoke-Fresh([string] $Script) { & $script:pwsh -NoProfile -NonInteractive -Command $Script }
    }

    It 'finds a valid manifest' {
        (Test-ModuleManifest -Path $manifest).Name | Should -Be 'PerfMonitoring'
    }

    It 'exports exactly what the manifest promises' {
        $promised = (Import-PowerShellDataFile $manifest).CmdletsToExport | Sort-Object
        $exported = Invoke-Fresh "Import-Module '$manifest'; (Get-Command -Module PerfMonitoring).Name" | Sort-Object
        $exported | Should -Be $promised
    }

    It 'loads neither Npgsql nor Dapper before the first connection' {
        $loaded = Invoke-Fresh "Import-Module '$manifest'; [AppDomain]::CurrentDomain.GetAssemblies().ForEach{ `$_.GetName().Name }"
        $loaded | Should -Contain 'PerfMonitoring'
        $loaded | Should -Not -Contain 'Npgsql'
        $loaded | Should -Not -Contain 'Dapper'
    }

    It 'uses approved verbs only' {
        $warnings = Invoke-Fresh "Import-Module '$manifest' 3>&1 | Out-String"
        "$warnings".Trim() | Should -BeNullOrEmpty
    }
}
