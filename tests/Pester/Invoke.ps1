# Runs the journeys against the database that the PG* variables name, and writes "passed failed skipped" to a file.
# Exit code 3: Pester 5 is not installed.
param([Parameter(Mandatory)] [string] $CountsPath)

$ErrorActionPreference = 'Stop'
if (-not (Get-Module -ListAvailable -Name Pester | Where-Object Version -GE '5.0.0')) {
    exit 3
}

Import-Module -Name Pester -MinimumVersion 5.0.0
$configuration = New-PesterConfiguration
$configuration.Run.Path = $PSScriptRoot
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Detailed'
$run = Invoke-Pester -Configuration $configuration

# A container or a set-up block that failed stands for tests that were never run.
$failed = $run.FailedCount + $run.FailedContainersCount + $run.FailedBlocksCount
Set-Content -Path $CountsPath -Value "$($run.PassedCount) $failed $($run.SkippedCount + $run.InconclusiveCount + $run.NotRunCount)"
exit [int]($failed -gt 0)
