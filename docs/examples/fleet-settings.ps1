# Writes the maintenance windows and thresholds of an inventory into the stores of the sessions that were connected with it:
#
#   Connect-PerfMonitoring -Inventory fleet.psd1
#   ./fleet-settings.ps1 -Session (Get-PerfMonitoringSession -Group prod)
#
# Run it again after the inventory has changed: what is there already is changed and not written twice. What the inventory no
# longer has stays in the store. -WhatIf shows what it would write.
[CmdletBinding(SupportsShouldProcess)]
param([Parameter(Mandatory)] [object[]] $Session)

foreach ($one in $Session) {
    foreach ($window in $one.MaintenanceWindows) { Set-MaintenanceWindow @window -Session $one }

    $present = @(if ($one.Thresholds) { Get-PerformanceThreshold -Session $one })
    foreach ($threshold in $one.Thresholds) {
        $same = $present | Where-Object {
            "$($_.MetricType)" -eq $threshold.MetricType -and "$($_.TableName)" -eq "$($threshold.TableName)"
        }
        if ($same) {
            $change = $threshold.Clone()
            $change.Remove('MetricType')
            $change.Remove('TableName')
            $same | Set-PerformanceThreshold @change -Session $one
        }
        else { New-PerformanceThreshold @threshold -Session $one | Out-Null }
    }
}
