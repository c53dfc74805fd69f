@{
    RootModule             = 'PerfMonitoring.dll'
    ModuleVersion          = '0.1.0'
    GUID                   = 'c0d6f1a4-7a55-4a2e-9a0e-5b1f2a3c9d10'
    Author                 = 'The PerfMonitoring authors'
    Copyright              = '(c) The PerfMonitoring authors'
    Description            = 'Finds slow queries on PostgreSQL, decides which indexes the whole workload needs, builds them without hurting production, proves that they helped, and says which indexes to drop.'
    PowerShellVersion      = '7.4'
    CompatiblePSEditions   = @('Core')
    FormatsToProcess       = @('PerfMonitoring.Format.ps1xml')
    TypesToProcess         = @('PerfMonitoring.Types.ps1xml')
    FunctionsToExport      = @()
    VariablesToExport      = @()
    AliasesToExport        = @()
    CmdletsToExport        = @(
        'Connect-PerfMonitoring'
        'Get-PerfMonitoringSession'
        'Disconnect-PerfMonitoring'
        'Get-PerfMonitoringConfiguration'
        'Set-PerfMonitoringConfiguration'
        'Get-PerfMonitoringLog'
        'Test-PerfMonitoringPrerequisite'
        'Initialize-PerfMonitoringStore'

        'Get-SlowQuery'
        'Update-QueryPerformanceLog'
        'Get-QueryPerformanceLog'
        'Clear-QueryPerformanceLog'

        'New-IndexStrategy'
        'Get-IndexStrategy'
        'Get-IndexStrategyHistory'
        'Get-IndexCandidate'
        'Set-IndexStrategy'
        'Remove-IndexStrategy'

        'Invoke-IndexCreation'
        'Get-MaintenanceWindow'
        'Set-MaintenanceWindow'

        'Test-IndexStrategy'
        'Undo-IndexCreation'

        'Get-IndexUsageStat'
        'Update-IndexUsageStat'
        'Invoke-IndexRemoval'
        'Undo-IndexRemoval'
        'Repair-Index'

        'New-PerformanceThreshold'
        'Get-PerformanceThreshold'
        'Set-PerformanceThreshold'
        'Remove-PerformanceThreshold'
        'Test-PerformanceThreshold'
    )
    PrivateData            = @{
        PSData = @{
            Tags         = @('PostgreSQL', 'Performance', 'Index', 'Database', 'Monitoring', 'DBA', 'PSEdition_Core', 'Linux',
                'MacOS', 'Windows')
            ProjectUri   = 'https://github.com/PerfMonitoring/PerfMonitoring'
            LicenseUri   = 'https://github.com/PerfMonitoring/PerfMonitoring/blob/main/LICENSE'
            ReleaseNotes = 'https://github.com/PerfMonitoring/PerfMonitoring/blob/main/CHANGELOG.md'
        }
    }
}
