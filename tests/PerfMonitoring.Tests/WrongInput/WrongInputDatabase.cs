using System.Management.Automation;
using PerfMonitoring.Testing;

namespace PerfMonitoring.WrongInput;

/// <summary>One database with a store, and one session on it, for all rows of a table of wrong input.</summary>
public sealed class WrongInputDatabase(SandboxFixture sandbox) : IAsyncLifetime
{
    private TestDatabase? database;
    private Xunit.Sdk.SkipException? missing;
    private string state = "";

    /// <summary>The session; it is the default of its runspace.</summary>
    public ModuleRunspace Session { get; } = new();

    /// <summary>The database. Skips the test if there is no server.</summary>
    public TestDatabase Database => missing is null ? database! : throw missing;

    public async ValueTask InitializeAsync()
    {
        try
        {
            database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        }
        catch (Xunit.Sdk.SkipException skip)
        {
            // A fixture cannot skip, but the test that uses the server can.
            missing = skip;
            return;
        }

        await database.CreateHypoPgAsync();
        await database.ExecuteAsync("""
            create extension pg_stat_statements;
            create table t as select g as id, g % 10 as grp from generate_series(1, 2000) g; create index t_i on t (id); analyze t;
            """);
        var builder = new Npgsql.NpgsqlConnectionStringBuilder(database.ConnectionString);
        Session.Set("cs", builder.ConnectionString);
        Session.Set("hostName", builder.Host);
        Session.Set("port", builder.Port);
        Session.Set("db", builder.Database);
        Session.Set("credential", new PSCredential(builder.Username!, Secret(builder.Password)));
        Session.Invoke("""
            $closed = Connect-PerfMonitoring -ConnectionString $cs -Name closed; Disconnect-PerfMonitoring closed
            Connect-PerfMonitoring -ConnectionString $cs -Name one; Initialize-PerfMonitoringStore
            $strategy = New-IndexStrategy t grp; $threshold = New-PerformanceThreshold IndexScanRatio 0.9 0.8
            Update-QueryPerformanceLog; 'select count(*) from t where grp = 5' | New-IndexStrategy
            $slow = Get-SlowQuery -Top 1
            $cycle = @{ a = 1 }; $cycle.self = $cycle
            $ring = [System.Collections.ArrayList]::new(); [void]$ring.Add($ring)
            $deep = @{ end = 1 }; foreach ($i in 1..200) { $deep = @{ in = $deep } }
            $bomb = @{ end = 1 }; foreach ($i in 1..14) { $bomb = @{ a = $bomb; b = $bomb } }
            $object = [pscustomobject]@{ a = 1 }; $object.psobject.Properties.Add([psnoteproperty]::new("self", $object))
            """).MustSucceed();
        state = await StateAsync();
    }

    /// <summary>Whether anything has changed since the last call.</summary>
    public async Task<bool> HasChangedAsync()
    {
        (var before, state) = (state, await StateAsync());
        return before != state;
    }

    // All that a wrong call might have changed: the rows of the store, the relations of the database, and the sessions.
    private async Task<string> StateAsync() =>
        await Database.ScalarAsync<string>("""
            select md5(string_agg(x, ' ' order by x)) from (
                select schema_to_xml('perf_monitoring', true, false, '')::text
                union all
                select string_agg(oid || ' ' || relname || ' ' || relfilenode, ',' order by oid) from pg_class where relnamespace <> 'pg_toast'::regnamespace
            ) s (x)
            """)
        + string.Join(',', Session.Invoke("Get-PerfMonitoringSession").Values("Name"));

    public async ValueTask DisposeAsync()
    {
        Session.Dispose();
        if (database is not null)
        {
            await database.DisposeAsync();
        }
    }

    private static System.Security.SecureString Secret(string? text)
    {
        var secret = new System.Security.SecureString();
        foreach (var c in text ?? "")
        {
            secret.AppendChar(c);
        }

        return secret;
    }
}
