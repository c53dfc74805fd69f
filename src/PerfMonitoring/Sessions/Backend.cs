using System.Reflection;
using System.Runtime.Loader;

namespace PerfMonitoring.Sessions;

/// <summary>
/// Joins the cmdlets with PostgreSQL. It loads the backend from deps/ at the first connection, in a private load context, so that
/// neither Npgsql nor any other package meets another version in the session.
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

        // Core is shared, because the cmdlets must see the same types. The assemblies in deps/ are private. The rest comes from
        // the runtime.
        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == Core.GetName().Name ? Core
            : resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path)
            : null;
    }
}
