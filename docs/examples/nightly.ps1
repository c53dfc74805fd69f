# The night's work on one database, or on those of an inventory: collect, verify, revert, decide, build in the window, report.
# It asks nothing, and a second run at once changes nothing. It connects to the database that PGHOST, PGPORT, PGUSER and
# PGDATABASE name (the password in pgpass). In cron:
#
#   0 1 * * *  postgres  PGDATABASE=shop pwsh -NoProfile -File /etc/perfmonitoring/nightly.ps1 >> /var/log/perfmonitoring.log
#
# With -Inventory it connects to all databases of that file, and a database that fails keeps no other from its work.
#
# Exit code: 0 when all was done, also when an index waits for its window or for a quieter hour; 1 when something failed and the
# rest was done; 2 when nothing could be done. What failed, and nothing else, is on the error stream. -WhatIf shows what a night
# would do. What is not given here is what Set-PerfMonitoringConfiguration has set, and else the value below.
[CmdletBinding(SupportsShouldProcess)]
param(
    # The file with the servers, as Connect-PerfMonitoring -Inventory takes it; and which of its groups and tags.
    [string] $Inventory,
    [string[]] $Group,
    [string[]] $Tag,
    # So many statements decide on the indexes, those that took most time.
    [int] $Top = 50,
    # What the new indexes may take together, in bytes.
    [long] $StorageBudget = 1GB,
    # When indexes are built: Immediate, OffPeak, Weekend or Scheduled; Set-MaintenanceWindow says when that is.
    [string] $MaintenanceWindow = 'OffPeak',
    # Waits for the window; else what comes too early is left for another night.
    [switch] $WaitForWindow,
    # A build does not begin while more sessions are active, or a standby is further behind.
    [int] $MaximumActiveSession = 50,
    [timespan] $MaximumReplicationLag = '00:01:00',
    # What was built so long ago and was not scanned since is reverted; what regressed is reverted at once.
    [string] $RevertAfter = '7d',
    # How far back the builds are verified.
    [int] $VerifyDays = 30
)

$ErrorActionPreference = 'Continue'
$ProgressPreference = 'SilentlyContinue'
$ConfirmPreference = 'None'
$script:failures = 0
$started = [DateTimeOffset]::UtcNow

# A log is neither 80 columns wide nor coloured.
if ($PSStyle) { $PSStyle.OutputRendering = 'PlainText' }
$isWide = [bool](Get-Command -Name Out-String -ErrorAction Ignore)
function Out-Log {
    if ($isWide) { ($input | Out-String -Width 160).Trim("`r", "`n") | Where-Object Length | Write-Host }
    else { $input | Out-Host }
}

function Write-Line([string] $Text) { Write-Host "$([DateTimeOffset]::UtcNow.ToString('u')) $Text" }

# Of several databases each one's part stands under its name.
function Out-Result {
    $all = @($input)
    if (-not $Inventory) { $all | Out-Log; return }
    foreach ($target in @($all | ForEach-Object { "$($_.Target)" } | Select-Object -Unique)) {
        if ($target) { Write-Line "  ${target}:" }
        $all | Where-Object { "$($_.Target)" -eq $target } | Out-Log
    }
}

# A step that fails does not keep the others from their work.
function Invoke-Step {
    [CmdletBinding()]
    param([string] $Name, [scriptblock] $Step)
    Write-Line $Name
    try {
        & $Step 2>&1 3>&1 | ForEach-Object {
            if ($_ -is [System.Management.Automation.ErrorRecord]) {
                $script:failures++
                $PSCmdlet.WriteError($_)
            }
            elseif ($_ -is [System.Management.Automation.WarningRecord]) { Write-Line "WARNING: $_" }
            else { $_ }
        }
    }
    catch {
        $script:failures++
        $PSCmdlet.WriteError($_)
    }
}

try {
    Import-Module -Name PerfMonitoring -ErrorAction Stop
    foreach ($name in 'SlowQuery.Top', 'Advice.StorageBudget', 'Advice.MaintenanceWindow', 'IndexCreation.MaximumActiveSession',
        'IndexCreation.MaximumReplicationLag') {
        $parameter = $name.Split('.')[1]
        $setting = Get-PerfMonitoringConfiguration -Name $name -ErrorAction Stop
        if ("$($setting.Source)" -ne 'BuiltIn' -and -not $PSBoundParameters.ContainsKey($parameter)) {
            $ExecutionContext.SessionState.PSVariable.Set($parameter, $setting.Value)
        }
    }

    # Without an inventory no cmdlet gets -Session: all use the default one. Else objects find the session of their database.
    $on = @{}
    if (-not $Inventory) {
        Connect-PerfMonitoring -ErrorAction Stop | Out-Log
        Initialize-PerfMonitoringStore -ErrorAction Stop | Out-Log
    }
}
catch {
    $PSCmdlet.WriteError($_)
    exit 2
}

# Who has no store has no strategies, no history and no verdicts: the night goes on without that database, and says so.
if ($Inventory) {
    $which = @{ Inventory = $Inventory }
    if ($Group) { $which.Group = $Group }
    if ($Tag) { $which.Tag = $Tag }
    $opened = @(Invoke-Step 'Connect' { Connect-PerfMonitoring @which })
    $sessions = @(foreach ($session in $opened) {
        $failed = $script:failures
        Invoke-Step "Store of $($session.Target)" { Initialize-PerfMonitoringStore -Session $session } | Out-Log
        if ($script:failures -eq $failed) { $session }
    })
    $sessions | Out-Log
    if ($sessions.Count -eq 0) {
        if ($script:failures -eq 0) {
            $PSCmdlet.WriteError([System.Management.Automation.ErrorRecord]::new(
                [System.InvalidOperationException]::new("$Inventory names no database of that group and tag."),
                'NoDatabase', 'ObjectNotFound', $Inventory))
        }
        $opened | Disconnect-PerfMonitoring
        exit 2
    }
    $on = @{ Session = $sessions }
}

Invoke-Step 'Drop what broken builds left' { Repair-Index @on } | Out-Result

# An interval that overlaps a build tells nothing of it: the log is brought up to date before and after.
Invoke-Step 'Collect' {
    Update-QueryPerformanceLog @on
    Update-IndexUsageStat @on | Out-Null
} | Out-Result

Invoke-Step 'Verify, and take back what regressed' {
    $verified = @(Test-IndexStrategy @on -Since $started.AddDays(-$VerifyDays))
    $verified
    $verified | Undo-IndexCreation @on
} | Out-Result
Invoke-Step 'Take back what is not used' { Undo-IndexCreation @on -After $RevertAfter } | Out-Result

# What is built changes what the next one gains: it is decided again until nothing more comes. What failed is not tried again
# tonight.
$careful = @{
    WaitForWindow = $WaitForWindow; MaximumActiveSession = $MaximumActiveSession; MaximumReplicationLag = $MaximumReplicationLag
}
$round = 0
do {
    $decided = @(Invoke-Step 'Decide' {
        Get-SlowQuery @on -Top $Top |
            New-IndexStrategy @on -StorageBudget $StorageBudget -MaintenanceWindow $MaintenanceWindow
    })
    $decided | Out-Result
    $results = @(Invoke-Step 'Build' {
        if ($round -eq 0) { Invoke-IndexCreation @on -Pending @careful } else { $decided | Invoke-IndexCreation @on @careful }
    })
    $results | Out-Result
} while (++$round -lt 3 -and ($results | Where-Object State -EQ 'Created'))

Invoke-Step 'Collect again' { Update-QueryPerformanceLog @on } | Out-Result

Invoke-Step 'What was done' { Get-IndexStrategyHistory @on -Since $started } | Out-Result
Invoke-Step 'What could be dropped: Get-IndexUsageStat | Where-Object IsRecommendedForDrop | Invoke-IndexRemoval' {
    Get-IndexUsageStat @on | Where-Object IsRecommendedForDrop
} | Out-Result

if ($Inventory) { $opened | Disconnect-PerfMonitoring } else { Disconnect-PerfMonitoring }
Write-Line "Done, with $script:failures failures."
exit [int]($script:failures -gt 0)
