namespace PerfMonitoring.Sessions;

/// <summary>Hears which statements the module sends. It never hears a value, and no text that a user wrote.</summary>
internal interface IStatementListener
{
    /// <summary>Whether <see cref="Begins"/> is wanted.</summary>
    bool WantsText { get; }

    /// <summary>A statement begins.</summary>
    /// <param name="server">The address of the server and the database.</param>
    /// <param name="names">
    /// The names of the module's statements that are sent together; what is not one of them has the name of its command, such as
    /// EXPLAIN.
    /// </param>
    /// <param name="text">The texts of the module's own statements; empty where there is none.</param>
    void Begins(string server, string names, string text);

    /// <summary>A statement ended, and the server did not refuse it.</summary>
    /// <param name="server">The address of the server and the database.</param>
    /// <param name="names">As of <see cref="Begins"/>.</param>
    /// <param name="duration">The time until its last row was read.</param>
    void Ends(string server, string names, TimeSpan duration);
}

/// <summary>Joins the work of a cmdlet with whoever listens to its statements.</summary>
internal static class StatementFeed
{
    private static readonly AsyncLocal<IStatementListener?> Current = new();

    /// <summary>The listener of the asynchronous work that this code belongs to; null if nobody listens.</summary>
    public static IStatementListener? Listener
    {
        get => Current.Value;
        set => Current.Value = value;
    }
}
