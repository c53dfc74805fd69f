using System.Management.Automation;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Architecture;

/// <summary>Rows of several sessions can be told apart, because each object says its database.</summary>
public sealed class TargetTests
{
    [Fact]
    public void Every_object_that_a_cmdlet_writes_says_its_database()
    {
        using var session = new ModuleRunspace();
        var types = session.Invoke("Get-Command -Module PerfMonitoring").MustSucceed().Output
            .SelectMany(c => ((CmdletInfo)c.BaseObject).OutputType).Select(t => t.Type)
            .Where(t => t is not null && t != typeof(void) && t != typeof(bool)).Distinct().ToList();

        Assert.NotEmpty(types);
        // Settings and messages are of the process.
        Assert.Empty(types.Where(t => t.Name is not ("PerfMonitoringSetting" or "PerfMonitoringLogEntry")
            && t.GetProperty("Target")?.PropertyType.Name != "ServerTarget").Select(t => t.Name));
    }
}
