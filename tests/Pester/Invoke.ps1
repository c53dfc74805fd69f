# Runs the journeys against the database that the PG* variables name, and writes to a file: "passed failed skipped", then a line
# for each that did not pass.
param(
    [Parameter(Mandatory)] [version] $PesterVersion,
    [Parameter(Mandatory)] [string] $CountsPath
)

$ErrorActionPreference = 'Stop'
# psql stands beside the server.
if ($env:PERFMONITORING_PGBIN) { $env:PATH = $env:PERFMONITORING_PGBIN + [IO.Path]::PathSeparator + $env:PATH }
# The configuration of whoever runs this changes nothing.
$env:PERFMONITORING_CONFIG = $env:PERFMONITORING_MACHINE_CONFIG = Join-Path $PSScriptRoot 'nowhere/configuration.json'
Import-Module (Join-Path $PSScriptRoot "../../artifacts/pester/Pester/$PesterVersion/Pester.psd1")
$configuration = New-PesterConfiguration
$configuration.Run.Path = $PSScriptRoot
# The newest Pester runs all journeys. Three of them show that an older one runs them, too.
if ($PesterVersion.Major -lt 6) {
    $configuration.Run.Path = 'Mock', 'Session', 'Workload' | ForEach-Object { Join-Path $PSScriptRoot "$_.Tests.ps1" }
}
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Detailed'
if ([Console]::IsOutputRedirected) { $configuration.Output.RenderMode = 'Plaintext' }
$run = Invoke-Pester -Configuration $configuration

# A container or a set-up block that failed stands for tests that were never run.
$failed = $run.FailedCount + $run.FailedContainersCount + $run.FailedBlocksCount
$notes = @(
    $run.Failed + $run.Skipped + $run.Inconclusive |
        ForEach-Object { "$($_.Result.ToLowerInvariant()) $($_.ExpandedPath): $($_.ErrorRecord)" }
    $run.FailedContainers + $run.FailedBlocks | ForEach-Object { "failed ${_}: $($_.ErrorRecord)" })
$skipped = $run.SkippedCount + $run.InconclusiveCount + $run.NotRunCount
Set-Content -Path $CountsPath -Value @("$($run.PassedCount) $failed $skipped"; $notes)
exit [int]($failed -gt 0)
