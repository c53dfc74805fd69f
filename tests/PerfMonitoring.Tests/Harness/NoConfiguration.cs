using System.Runtime.CompilerServices;

namespace PerfMonitoring.Testing;

/// <summary>Hides the configuration of whoever runs the tests from them, and them from it.</summary>
internal static class NoConfiguration
{
    [ModuleInitializer]
    internal static void Hide()
    {
        var nowhere = Path.Combine(Path.GetTempPath(), "perfmonitoring-tests", "nowhere");
        Environment.SetEnvironmentVariable("PERFMONITORING_CONFIG", nowhere);
        Environment.SetEnvironmentVariable("PERFMONITORING_MACHINE_CONFIG", nowhere);
    }
}
