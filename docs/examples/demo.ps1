# The whole job on one database: find what is slow, decide the indexes, build them, prove that they helped, keep watch.
# It connects to the database that PGHOST, PGPORT, PGUSER and PGDATABASE name; `./build.sh demo` makes one with load on it.
param(
    # How long the load runs again once the indexes are there.
    [int] $LoadSeconds = 10
)

$ErrorActionPreference = 'Stop'

function Write-Step([string] $Title) {
    Write-Host ''
    Write-Host "=== $Title" -ForegroundColor Cyan
}

Import-Module -Name PerfMonitoring

Write-Step 'Connect, and see what the server allows'
Connect-PerfMonitoring | Out-Host
Test-PerfMonitoringPrerequisite | Out-Host
Initialize-PerfMonitoringStore | Out-Host

# Counters are judged by what they did since the last test: this one is the beginning.
New-PerformanceThreshold -MetricType QueryTime -Warning 50 -Critical 500 | Out-Null
New-PerformanceThreshold -MetricType CacheHitRatio -Warning 0.95 -Critical 0.90 | Out-Null
New-PerformanceThreshold -MetricType ConnectionCount -Warning 80 -Critical 95 | Out-Null
Test-PerformanceThreshold | Out-Null

Write-Step 'The slowest queries so far'
Get-SlowQuery -Top 10 | Out-Host

Write-Step 'The indexes that the whole workload needs, within 300 MB'
$strategies = @(Get-SlowQuery -Top 20 | New-IndexStrategy -StorageBudget 300MB)
$strategies | Out-Host
$strategies | ForEach-Object { Write-Host "$($_.IndexDefinition);" }

Write-Step 'Build them, and a guess of somebody, without locking anyone out'
# The query log is brought up to date before the first build and after the last.
$guess = New-IndexStrategy -TableName orders -Column note -IndexName guess
$strategies + $guess | Invoke-IndexCreation -Confirm:$false | Out-Host

if ($env:PERFMONITORING_SANDBOX) {
    Write-Step 'The same load once more'
    & $env:PERFMONITORING_SANDBOX load $LoadSeconds | Out-Host
    Update-QueryPerformanceLog | Out-Host

    Write-Step 'Did they help? Real executions before the builds and after'
    $proof = @(Get-IndexStrategy | Test-IndexStrategy)
    $proof | Out-Host
    $proof.Queries | Where-Object Verdict -EQ Improved | Sort-Object -Property QueryHash -Unique |
        Sort-Object -Property Effect | Out-Host

    Write-Step 'Take back what made queries slower, and what no query uses'
    Undo-IndexCreation -After 1s -Confirm:$false | Out-Host
}

Write-Step 'How each index is used, and which could go'
$usage = @(Get-IndexUsageStat)
$usage | Out-Host

Write-Step 'Drop those; the audit keeps what is needed to undo it'
$usage | Where-Object IsRecommendedForDrop | Invoke-IndexRemoval -Confirm:$false | Out-Host
Get-IndexStrategyHistory | Out-Host
Update-IndexUsageStat | Out-Null

Write-Step 'Limits to keep watch over, since the first step'
Test-PerformanceThreshold | Out-Host

Disconnect-PerfMonitoring
Write-Host @'

The same on a database of your own, from pwsh in this folder:

    Import-Module ./artifacts/module/PerfMonitoring
    Connect-PerfMonitoring -HostName db.example.org -Database shop -Credential (Get-Credential)
    Get-SlowQuery -Top 20 | New-IndexStrategy -StorageBudget 500MB | Invoke-IndexCreation -WhatIf
'@
