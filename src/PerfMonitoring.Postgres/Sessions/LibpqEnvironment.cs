namespace PerfMonitoring.Postgres.Sessions;

/// <summary>The variables and the home folder that libpq reads; those of this process, or of a test.</summary>
/// <param name="Variable">Returns a variable's value, or null.</param>
/// <param name="Home">The user's home folder; on Windows the folder for application data.</param>
internal sealed record LibpqEnvironment(Func<string, string?> Variable, string Home)
{
    public static LibpqEnvironment OfProcess { get; } = new(
        Environment.GetEnvironmentVariable,
        OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData)
        : Environment.GetEnvironmentVariable("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));

    /// <summary>A variable's value; null if it is not set or empty.</summary>
    public string? this[string name] => Variable(name) is { Length: > 0 } value ? value : null;

    public string ServiceFile =>
        OperatingSystem.IsWindows() ? OfPostgres(".pg_service.conf") : Path.Combine(Home, ".pg_service.conf");

    public string PasswordFile => OperatingSystem.IsWindows() ? OfPostgres("pgpass.conf") : Path.Combine(Home, ".pgpass");

    /// <summary>A file in ~/.postgresql: root.crt, postgresql.crt, postgresql.key.</summary>
    public string OfPostgres(string name) => Path.Combine(Home, OperatingSystem.IsWindows() ? "postgresql" : ".postgresql", name);
}
