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
Update-QueryPerformanceLog | Out-Host

# Kept to compare with later on: the server only counts up.
$before = @{}
Get-SlowQuery -Top 1000 | ForEach-Object { $before[$_.QueryHash] = $_ }

Write-Step 'The indexes that the whole workload needs, within 300 MB'
$strategies = @(Get-SlowQuery -Top 20 | New-IndexStrategy -StorageBudget 300MB)
$strategies | Out-Host
$strategies | ForEach-Object { Write-Host "$($_.IndexDefinition);" }

Write-Step 'Build them, without locking anyone out'
$strategies | Invoke-IndexCreation -Confirm:$false | Out-Host

if ($env:PERFMONITORING_SANDBOX) {
    Write-Step 'The same load once more, and what each query takes now'
    & $env:PERFMONITORING_SANDBOX load $LoadSeconds | Out-Host
    Write-Host ('{0,11} {1,11} {2,9}  {3}' -f 'before (ms)', 'after (ms)', 'faster', 'query')
    $measured = Get-SlowQuery -Top 1000 | ForEach-Object {
        $then = $before[$_.QueryHash]
        if ($then -and $_.Calls -gt $then.Calls) {
            [pscustomobject]@{
                Query  = $_.Query -replace '\s+', ' '
                Before = $then.MeanTimeMs
                After  = ($_.TotalTimeMs - $then.TotalTimeMs) / ($_.Calls - $then.Calls)
            }
        }
    }
    $measured | Sort-Object -Property Before -Descending | Select-Object -First 8 | ForEach-Object {
        $query = if ($_.Query.Length -gt 80) { $_.Query.Substring(0, 77) + '...' } else { $_.Query }
        Write-Host ('{0,11:N2} {1,11:N2} {2,8:N1}x  {3}' -f $_.Before, $_.After, ($_.Before / $_.After), $query)
    }
    Update-QueryPerformanceLog | Out-Host
}

Write-Step 'How each index is used, and which could go'
Get-IndexUsageStat | Out-Host
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
