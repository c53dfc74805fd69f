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

# Every suite, and one last line over all of them. A suite that dies before it can write its results is a failure, whatever its exit code.
function Invoke-Test {
    $results = Join-Path $artifacts 'test-results'
    Remove-Item $results -Recurse -Force -ErrorAction Ignore
    $sum = @{ passed = 0; failed = 0; skipped = 0 }
    foreach ($project in Get-ChildItem (Join-Path $PSScriptRoot 'tests/*.Tests/*.csproj')) {
        $name = $project.BaseName
        Write-Host "== $name"
        & (Join-Path $project.DirectoryName "bin/$Configuration/net10.0/$name$executable") --results-directory $results `
            --report-xunit-trx --report-xunit-trx-filename "$name.trx" --no-ansi --progress off | Out-Host
        $exitCode = $LASTEXITCODE
        $trx = Join-Path $results "$name.trx"
        if (-not (Test-Path $trx)) {
            Write-Host "$name ended with exit code $exitCode and no results"
            $sum.failed++
            continue
        }
        $counters = ([xml](Get-Content $trx -Raw)).TestRun.ResultSummary.Counters
        $bad = [int]$counters.failed + [int]$counters.error + [int]$counters.timeout + [int]$counters.aborted
        $sum.passed += [int]$counters.passed
        $sum.skipped += [int]$counters.notExecuted
        $sum.failed += if ($exitCode -ne 0 -and $bad -eq 0) { 1 } else { $bad }
    }

    Write-Host '== tests/Pester'
    $counts = Join-Path $artifacts 'pester.txt'
    Remove-Item $counts -ErrorAction Ignore
    $env:PSModulePath = $modules + [IO.Path]::PathSeparator + $env:PSModulePath
    & $sandbox run -- $pwsh -NoProfile -NonInteractive -File (Join-Path $PSScriptRoot 'tests/Pester/Invoke.ps1') $counts | Out-Host
    $exitCode = $LASTEXITCODE
    if ($exitCode -eq 3) {
        Write-Host 'tests/Pester skipped: Pester 5 is not installed'
        $sum.skipped++
    } elseif (-not (Test-Path $counts)) {
        Write-Host "tests/Pester ended with exit code $exitCode and no results"
        $sum.failed++
    } else {
        $passed, $failed, $skipped = [int[]]((Get-Content $counts) -split ' ')
        $sum.passed += $passed
        $sum.failed += $failed
        $sum.skipped += $skipped
    }

    Write-Host "$($sum.passed) passed, $($sum.failed) failed, $($sum.skipped) skipped"
    exit [int]($sum.failed -gt 0)
}

Set-Location $PSScriptRoot
Invoke-Program dotnet 'build', 'PerfMonitoring.sln', '--configuration', $Configuration, '--nologo', '--verbosity', 'quiet'

switch ($Task) {
    'Test' { Invoke-Test }
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
