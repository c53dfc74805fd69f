#Requires -Version 7.4
<#
.SYNOPSIS
    Builds, tests, packs and shows PerfMonitoring, wherever the .NET SDK 10 and PostgreSQL's programs are.
.DESCRIPTION
    `dotnet tool restore` brings the PowerShell that runs this: `dotnet pwsh build.ps1 -Task Test`. PostgreSQL is looked for in
    PERFMONITORING_PGBIN, on the PATH and in the usual folders. On Debian and Ubuntu, build.sh installs what is missing.
.EXAMPLE
    dotnet pwsh build.ps1 -Task Demo
.EXAMPLE
    dotnet pwsh build.ps1 -Task Package -Certificate (Get-PfxCertificate release.pfx)
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Pester', 'Demo', 'Package')]
    [string] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Release',

    # Signs the files of the package. Without one they are not signed.
    [System.Security.Cryptography.X509Certificates.X509Certificate2] $Certificate
)

$ErrorActionPreference = 'Stop'
$artifacts = Join-Path $PSScriptRoot 'artifacts'
$modules = Join-Path $artifacts 'module'
$results = Join-Path $artifacts 'test-results'
$executable = $IsWindows ? '.exe' : ''
$sandbox = Join-Path $PSScriptRoot "src/PerfMonitoring.Sandbox/bin/$Configuration/net10.0/PerfMonitoring.Sandbox$executable"
# Not the path of this process: as a .NET tool that is dotnet.
$pwsh = Join-Path $PSHOME "pwsh$executable"

function Invoke-Program {
    param([string] $Program, [string[]] $Arguments)
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$(Split-Path -Leaf $Program) ended with exit code $LASTEXITCODE." }
}

function New-Count([int] $Passed, [int] $Failed, [int] $Skipped) {
    [pscustomobject]@{ Passed = $Passed; Failed = $Failed; Skipped = $Skipped }
}

# A suite that dies before it can write its results is a failure, whatever its exit code.
function Invoke-TestProject([System.IO.FileInfo] $Project) {
    $name = $Project.BaseName
    Write-Host "== $name"
    & (Join-Path $Project.DirectoryName "bin/$Configuration/net10.0/$name$executable") --results-directory $results `
        --report-xunit-trx --report-xunit-trx-filename "$name.trx" --no-ansi --progress off | Out-Host
    $exitCode = $LASTEXITCODE
    $trx = Join-Path $results "$name.trx"
    if (-not (Test-Path $trx)) {
        Write-Host "$name ended with exit code $exitCode and no results"
        return New-Count 0 1 0
    }

    $counters = ([xml](Get-Content $trx -Raw)).TestRun.ResultSummary.Counters
    $bad = [int]$counters.failed + [int]$counters.error + [int]$counters.timeout + [int]$counters.aborted
    if ($exitCode -ne 0 -and $bad -eq 0) {
        # Such as a clean-up that failed, or a project without a single test.
        Write-Host "$name ended with exit code $exitCode though no test failed"
        $bad = 1
    }

    New-Count $counters.passed $bad $counters.notExecuted
}

# In the sandbox's environment, and in a process of its own: this one could not unload the module for the next build.
function Invoke-Journey([version] $PesterVersion) {
    Write-Host "== tests/Pester on Pester $PesterVersion"
    $counts = Join-Path $results "Pester.$PesterVersion.txt"
    & $sandbox run -- $pwsh -NoProfile -NonInteractive -File (Join-Path $PSScriptRoot 'tests/Pester/Invoke.ps1') `
        -PesterVersion $PesterVersion -CountsPath $counts | Out-Host
    if (-not (Test-Path $counts)) {
        Write-Host "tests/Pester ended with exit code $LASTEXITCODE and no results"
        return New-Count 0 1 0
    }

    $counted = [int[]]((Get-Content $counts) -split ' ')
    New-Count @counted
}

function Get-PesterVersion {
    (Get-ChildItem (Join-Path $artifacts 'pester/Pester') -Directory).Name | ForEach-Object { [version]$_ } | Sort-Object -Descending
}

# One last line over all suites.
function Complete-Test([object[]] $Counts) {
    $passed, $failed, $skipped = 'Passed', 'Failed', 'Skipped' | ForEach-Object { ($Counts | Measure-Object -Property $_ -Sum).Sum }
    Write-Host "$passed passed, $failed failed, $skipped skipped"
    exit [int]($failed -gt 0)
}

function New-Package {
    $module = Join-Path $modules 'PerfMonitoring'
    if ($Certificate) {
        $files = Get-ChildItem $module -Recurse -Include 'PerfMonitoring*.dll', '*.psd1', '*.ps1xml'
        $unsigned = $files | Set-AuthenticodeSignature -Certificate $Certificate | Where-Object Status -NE 'Valid'
        if ($unsigned) { throw "These files are not signed: $($unsigned.Path -join ', ')." }
    }

    Remove-Item (Join-Path $artifacts '*.nupkg')
    Compress-PSResource -Path $module -DestinationPath $artifacts -PassThru
}

Set-Location $PSScriptRoot
Write-Host 'Building ...'
Invoke-Program dotnet 'build', 'PerfMonitoring.sln', '--configuration', $Configuration, '--nologo', '--verbosity', 'quiet'
$env:PSModulePath = $modules + [IO.Path]::PathSeparator + $env:PSModulePath

switch ($Task) {
    'Test' {
        Remove-Item $results -Recurse -Force -ErrorAction Ignore
        New-Item $results -ItemType Directory | Out-Null
        New-Package | Out-Null
        Complete-Test @(
            Get-ChildItem 'tests/*.Tests/*.csproj' | ForEach-Object { Invoke-TestProject $_ }
            Get-PesterVersion | ForEach-Object { Invoke-Journey $_ })
    }
    'Pester' {
        New-Item $results -ItemType Directory -Force | Out-Null
        New-Package | Out-Null
        Complete-Test @(Get-PesterVersion | ForEach-Object { Invoke-Journey $_ })
    }
    'Demo' { Invoke-Program $sandbox 'demo', '--', $pwsh, '-NoProfile', '-File', 'docs/examples/demo.ps1' }
    'Package' { New-Package }
}
