using System.Reflection;
using System.Runtime.Loader;

namespace PerfMonitoring.Sessions;

/// <summary>
/// The one place that joins the cmdlets with PostgreSQL: makes the backend, at the first connection and not before, from deps/ in
/// a load context of its own, so that neither Npgsql nor any other package meets another version in the session.
/// </summary>
internal static class Backend
{
    private static readonly Lazy<IMonitoringBackend> Instance = new(Create);

    public static IMonitoringBackend Get() => Instance.Value;

    private static IMonitoringBackend Create()
    {
        var folder = Path.Combine(Path.GetDirectoryName(typeof(Backend).Assembly.Location)!, "deps");
        var context = new DependencyLoadContext(Path.Combine(folder, "PerfMonitoring.Postgres.dll"));
        var assembly = context.LoadFromAssemblyPath(Path.Combine(folder, "PerfMonitoring.Postgres.dll"));
        return (IMonitoringBackend)Activator.CreateInstance(
            assembly.GetType("PerfMonitoring.Postgres.PostgresBackend", throwOnError: true)!)!;
    }

    private sealed class DependencyLoadContext(string main) : AssemblyLoadContext("PerfMonitoring")
    {
        private static readonly Assembly Core = typeof(IMonitoringBackend).Assembly;

        private readonly AssemblyDependencyResolver resolver = new(main);

        // Core is shared, or its types would be strangers to the cmdlets; what deps/ has is private; the rest is the runtime's.
        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == Core.GetName().Name ? Core
            : resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path)
            : null;
    }
}
