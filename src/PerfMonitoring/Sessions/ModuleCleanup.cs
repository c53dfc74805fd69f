using System.Management.Automation;

namespace PerfMonitoring.Sessions;

/// <summary>Closes the runspace's sessions when the module is removed.</summary>
public sealed class ModuleCleanup : IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        foreach (var session in SessionTable.Current.All.ToList())
        {
            SessionTable.Current.Remove(session);
            Task.Run(() => session.Connection.DisposeAsync().AsTask()).GetAwaiter().GetResult();
        }
    }
}
