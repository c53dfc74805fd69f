#Requires -Version 7.4
<#
.SYNOPSIS
    Builds, tests, packages and shows PerfMonitoring, wherever there are pwsh, the .NET SDK 10 and PostgreSQL's programs.
.DESCRIPTION
    PostgreSQL is looked for in PERFMONITORING_PGBIN, on the PATH and in the usual folders. On Debian and Ubuntu, build.sh
    installs what is missing.
.EXAMPLE
    ./build.ps1 -Task Demo
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Pester', 'Docs', 'Demo', 'Package')]
    [string] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Release'
)

$ErrorActionPreference = 'Stop'
$artifacts = Join-Path $PSScriptRoot 'artifacts'
$modules = Join-Path $artifacts 'module'
$executable = $IsWindows ? '.exe' : ''
$sandbox = Join-Path $PSScriptRoot "src/PerfMonitoring.Sandbox/bin/$Configuration/net10.0/PerfMonitoring.Sandbox$executable"
$pwsh = (Get-Process -Id $PID).Path

function Invoke-Program {
    param([string] $Program, [string[]] $Arguments)
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$(Split-Path -Leaf $Program) ended with exit code $LASTEXITCODE." }
}

function Invoke-Pwsh {
    # In the sandbox's environment, and in a process of its own: this one could not unload the module for the next build.
    param([string] $Kind, [string] $Script, [string[]] $Arguments)
    $env:PSModulePath = $modules + [IO.Path]::PathSeparator + $env:PSModulePath
    Invoke-Program $sandbox (@($Kind, '--', $pwsh, '-NoProfile', '-File', (Join-Path $PSScriptRoot $Script)) + $Arguments)
}

Set-Location $PSScriptRoot
Invoke-Program dotnet 'build', 'PerfMonitoring.sln', '--configuration', $Configuration, '--nologo', '--verbosity', 'quiet'

switch ($Task) {
    'Test' {
        Invoke-Program dotnet 'test', '--solution', 'PerfMonitoring.sln', '--configuration', $Configuration, '--no-build'
        Invoke-Pwsh run 'tests/Pester/Invoke.ps1' (Join-Path $artifacts 'pester.txt')
    }
    'Pester' { Invoke-Pwsh run 'tests/Pester/Invoke.ps1' (Join-Path $artifacts 'pester.txt') }
    'Demo' { Invoke-Pwsh demo 'docs/examples/demo.ps1' }
    'Docs' {
        # The build renders docs/en-US/*.md for Get-Help, and a test compares the pages with the cmdlets. This writes empty pages
        # of the cmdlets as they are now, to copy from.
        Import-Module Microsoft.PowerShell.PlatyPS
        Import-Module (Join-Path $modules 'PerfMonitoring/PerfMonitoring.psd1')
        New-MarkdownCommandHelp -ModuleInfo (Get-Module PerfMonitoring) -OutputFolder (Join-Path $artifacts 'docs') -Force
    }
    'Package' {
        $version = (Import-PowerShellDataFile (Join-Path $modules 'PerfMonitoring/PerfMonitoring.psd1')).ModuleVersion
        $package = Join-Path $artifacts "PerfMonitoring.$version.zip"
        Compress-Archive -Path (Join-Path $modules 'PerfMonitoring') -DestinationPath $package -Force
        Get-Item $package
    }
}
