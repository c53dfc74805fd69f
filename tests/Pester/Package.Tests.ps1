Describe 'The package' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $artifacts = Join-Path $PSScriptRoot '../../artifacts'
        $script:package = Get-Item (Join-Path $artifacts '*.nupkg')
        $manifest = Join-Path $artifacts 'module/PerfMonitoring/PerfMonitoring.psd1'
        $script:version = (Import-PowerShellDataFile $manifest).ModuleVersion
        $script:folder = Join-Path $TestDrive 'repository'
        $script:target = Join-Path $TestDrive 'modules'
        New-Item -ItemType Directory $folder, $target | Out-Null

        # A new process with a home of its own leaves the user's repositories and modules alone.
        $script:userHome = Join-Path $TestDrive 'home'
        # Where a home has no folder for settings, NuGet writes its own into the current one.
        New-Item -ItemType Directory $userHome, (Join-Path $userHome '.config') | Out-Null
        function Invoke-Fresh([string] $Script) {
            $kept = $env:HOME, $env:PSModulePath, $env:XDG_DATA_HOME, $env:XDG_CONFIG_HOME
            try {
                $env:HOME, $env:PSModulePath, $env:XDG_DATA_HOME, $env:XDG_CONFIG_HOME = $userHome, $null, $null, $null
                Invoke-FreshPwsh -Command "`$ErrorActionPreference = 'Stop'; $Script"
                if ($LASTEXITCODE -ne 0) { throw "pwsh ended with exit code $LASTEXITCODE." }
            } finally {
                $env:HOME, $env:PSModulePath, $env:XDG_DATA_HOME, $env:XDG_CONFIG_HOME = $kept
            }
        }
    }

    It 'carries the version of the manifest' {
        $package.Name | Should -Be "PerfMonitoring.$version.nupkg"
    }

    It 'is published to a folder, and installed from it' {
        Invoke-Fresh ("Register-PSResourceRepository -Name folder -Uri '$folder' -Trusted; " +
            "Publish-PSResource -NupkgPath '$package' -Repository folder")
        Invoke-Fresh ("Install-PSResource PerfMonitoring -Repository folder -Scope CurrentUser -TrustRepository; " +
            "(Get-InstalledPSResource PerfMonitoring).Version.ToString()") |
            Should -Be $version
    }

    It 'is imported by its name, with help, completion and a connection' {
        $told = Invoke-Fresh @'
            Import-Module PerfMonitoring
            (Get-Module PerfMonitoring).Version.ToString()
            (Get-Help Get-SlowQuery).Synopsis
            (TabExpansion2 'Get-SlowQuery -OrderBy ').CompletionMatches[0].CompletionText
            (Get-Command Get-SlowQuery).HelpUri
            (Connect-PerfMonitoring).Database
            (Get-IndexUsageStat | Measure-Object).Count
'@
        $told[0] | Should -Be $version
        $told[1] | Should -BeLike 'Lists the statements*'
        $told[2] | Should -Not -BeNullOrEmpty
        $told[3] | Should -BeLike 'https://*Get-SlowQuery.md'
        $told[4] | Should -Be $env:PGDATABASE
    }
}
