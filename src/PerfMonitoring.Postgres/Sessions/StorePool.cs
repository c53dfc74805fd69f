using System.Security.Cryptography;
using System.Text;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// The connection pools of stores. All sessions of this process with the same store and login share one, because a server has few
/// connections, and a fleet has many sessions.
/// </summary>
internal static class StorePool
{
    private static readonly Dictionary<string, Entry> Pools = [];

    /// <summary>Opens the database of a store. The pool closes with its last session.</summary>
    public static async Task<Database> OpenAsync(ConnectionSettings settings, CancellationToken cancellationToken)
    {
        var key = KeyOf(settings);
        Entry? entry;
        lock (Pools)
        {
            if (!Pools.TryGetValue(key, out entry))
            {
                // Another session may wait for it when this one is cancelled; the time limit of the connection ends it.
                Pools[key] = entry = new Entry(Task.Run(
                    () => Database.OpenAsync(settings, CancellationToken.None), CancellationToken.None));
            }

            entry.Sessions++;
        }

        try
        {
            return (await entry.Opening.WaitAsync(cancellationToken)).Share(() => ReleaseAsync(key, entry));
        }
        catch
        {
            await ReleaseAsync(key, entry);
            throw;
        }
    }

    private static async ValueTask ReleaseAsync(string key, Entry entry)
    {
        lock (Pools)
        {
            entry.Sessions--;
            // A failed pool is opened again by the next session.
            if ((entry.Sessions == 0 || entry.Opening.IsFaulted) && Pools.GetValueOrDefault(key) == entry)
            {
                Pools.Remove(key);
            }

            if (entry.Sessions > 0)
            {
                return;
            }
        }

        if (!entry.Opening.IsCompleted)
        {
            _ = entry.Opening.ContinueWith(
                static async opened =>
                {
                    if (opened.IsCompletedSuccessfully)
                    {
                        await opened.Result.DisposeAsync();
                    }
                },
                CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
        else if (entry.Opening.IsCompletedSuccessfully)
        {
            await entry.Opening.Result.DisposeAsync();
        }
    }

    // Everything that decides where and as whom a session connects. It holds a password, so only its hash is kept.
    private static string KeyOf(ConnectionSettings settings)
    {
        var plan = ConnectionStrings.Build(settings, LibpqEnvironment.OfProcess);
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(
            '\0', plan.Address, plan.Builder.ConnectionString, plan.Password, plan.PasswordFile, plan.SessionAttributes,
            plan.Tls))));
    }

    private sealed class Entry(Task<Database> opening)
    {
        public Task<Database> Opening => opening;

        public int Sessions { get; set; }
    }
}
