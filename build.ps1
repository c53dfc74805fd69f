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
# The process itself is dotnet where pwsh runs as a .NET tool.
$pwsh = Join-Path $PSHOME "pwsh$executable"

function Invoke-Program {
    param([string] $Program, [string[]] $Arguments)
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$(Split-Path -Leaf $Program) ended with exit code $LASTEXITCODE." }
}

function New-Count([int] $Passed, [int] $Failed, [int] $Skipped, [string[]] $Notes) {
    [pscustomobject]@{ Passed = $Passed; Failed = $Failed; Skipped = $Skipped; Notes = $Notes }
}

# A suite that dies before it can write its results is a failure, whatever its exit code. One that hangs ends after half an hour,
# and its output names the test that hangs.
function Invoke-TestProject([System.IO.FileInfo] $Project) {
    $name = $Project.BaseName
    Write-Host "== $name"
    & (Join-Path $Project.DirectoryName "bin/$Configuration/net10.0/$name$executable") --results-directory $results `
        --report-xunit-trx --report-xunit-trx-filename "$name.trx" --no-ansi --progress off `
        --timeout 30m --long-running 300 --xunit-diagnostics on | Out-Host
    $exitCode = $LASTEXITCODE
    $trx = Join-Path $results "$name.trx"
    if (-not (Test-Path $trx)) {
        return New-Count 0 1 0 "$name ended with exit code $exitCode and no results"
    }

    $run = ([xml](Get-Content $trx -Raw)).TestRun
    $notes = @($run.Results.UnitTestResult | Where-Object outcome -NE 'Passed' | ForEach-Object {
            $kind = $_.outcome -eq 'NotExecuted' ? 'skipped' : 'failed'
            # A message that shows two long texts is cut: the whole of it stands above.
            $lines = "$($_.Output.ErrorInfo.Message)$($_.Output.StdOut)" -split '\r?\n' | Select-Object -First 12
            "$kind $($_.testName)`n    $($lines -join "`n    ")"
        })
    $counters = $run.ResultSummary.Counters
    $bad = [int]$counters.failed + [int]$counters.error + [int]$counters.timeout + [int]$counters.aborted
    if ($exitCode -ne 0 -and $bad -eq 0) {
        # Such as a clean-up that failed, a test that hangs, or a project without a single test.
        $notes += "$name ended with exit code $exitCode though no test failed"
        $bad = 1
    }

    New-Count $counters.passed $bad $counters.notExecuted $notes
}

# In the sandbox's environment, and in a process of its own: this one could not unload the module for the next build.
function Invoke-Journey([version] $PesterVersion) {
    Write-Host "== tests/Pester on Pester $PesterVersion"
    $counts = Join-Path $results "Pester.$PesterVersion.txt"
    & $sandbox run -- $pwsh -NoProfile -NonInteractive -File (Join-Path $PSScriptRoot 'tests/Pester/Invoke.ps1') `
        -PesterVersion $PesterVersion -CountsPath $counts | Out-Host
    if (-not (Test-Path $counts)) {
        return New-Count 0 1 0 "tests/Pester on Pester $PesterVersion ended with exit code $LASTEXITCODE and no results"
    }

    $counted, $notes = Get-Content $counts
    $passed, $failed, $skipped = [int[]]($counted -split ' ')
    New-Count $passed $failed $skipped $notes
}

function Get-PesterVersion {
    (Get-ChildItem (Join-Path $artifacts 'pester/Pester') -Directory).Name | ForEach-Object { [version]$_ } |
        Sort-Object -Descending
}

# Writes what did not pass, and one last line over all suites.
function Complete-Test([object[]] $Counts) {
    $Counts.Notes | Where-Object { $_ } | Write-Host
    $passed, $failed, $skipped = 'Passed', 'Failed', 'Skipped' |
        ForEach-Object { ($Counts | Measure-Object -Property $_ -Sum).Sum }
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

# One line for each project, and one where nothing ends for a while, so that a first build does not look like one that hangs.
function Invoke-Build([string] $Solution) {
    $total = $Solution.EndsWith('f') ? (Get-Content $Solution -Raw | ConvertFrom-Json).solution.projects.Count
        : @(Select-String '^Project\(.*\.csproj' $Solution).Count
    Write-Host "Building $total projects; the first time their packages are downloaded, too ..."
    $clock = [Diagnostics.Stopwatch]::StartNew()
    $say = { param($text) Write-Host ('  {0,4:0} s  {1}' -f $clock.Elapsed.TotalSeconds, $text) }
    $done = 0
    $start = [Diagnostics.ProcessStartInfo]::new('dotnet', [string[]]@('build', $Solution, '--configuration', $Configuration,
            '--nologo', '--verbosity', 'minimal', '--tl:off', '-clp:NoSummary'))
    $start.RedirectStandardOutput = $true
    $build = [Diagnostics.Process]::Start($start)
    $next = $build.StandardOutput.ReadLineAsync()
    while ($true) {
        if (-not $next.Wait(15000)) {
            & $say ($done -eq 0 ? 'still at the packages and the first project ...' : "still at $($done + 1) of $total ...")
            continue
        }
        if ($null -eq $next.Result) { break }
        switch -Regex ($next.Result) {
            '^\s*(\S+) -> \S' { $done++; & $say "$done of ${total}: $($Matches[1])"; break }
            '^\s*Restored (\S+)' { & $say "packages of $([IO.Path]::GetFileNameWithoutExtension($Matches[1]))"; break }
            '^\s*(Determining projects|All projects are up-to-date)|^\s*$' { break }
            default { Write-Host $_ }
        }
        $next = $build.StandardOutput.ReadLineAsync()
    }
    $build.WaitForExit()
    if ($build.ExitCode -ne 0) { throw "dotnet build ended with exit code $($build.ExitCode)." }
}

# Names, sizes and times of all that a build reads and makes: what has not changed need not be built again.
function Get-BuildState {
    $files = @(
        Get-Item '*.props', '*.targets', '*.sln*', '*.psd1', 'LICENSE', 'global.json', 'nuget.config' -ErrorAction Ignore
        Get-ChildItem 'docs/en-US' -File
        Get-ChildItem 'src' -Recurse -File | Where-Object FullName -NotMatch '[\\/](bin|obj)[\\/]'
        Get-ChildItem (Join-Path $modules 'PerfMonitoring'), (Split-Path $sandbox) -Recurse -File -ErrorAction Ignore)
    @($Configuration; $files | ForEach-Object { "$($_.FullName) $($_.Length) $($_.LastWriteTimeUtc.Ticks)" }) -join "`n"
}

Set-Location $PSScriptRoot
$stateFile = Join-Path $artifacts 'build-state.txt'
if ($Task -eq 'Demo' -and (Test-Path $stateFile) -and (Get-Content $stateFile -Raw).TrimEnd() -ceq (Get-BuildState)) {
    Write-Host 'Nothing has changed since the last build.'
}
else {
    # The tests are most of a whole build, and only they need it.
    Invoke-Build ($Task -in 'Test', 'Pester' ? 'PerfMonitoring.sln' : 'PerfMonitoring.Module.slnf')
    Set-Content $stateFile (Get-BuildState)
}

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
