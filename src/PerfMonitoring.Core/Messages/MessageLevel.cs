namespace PerfMonitoring.Messages;

/// <summary>How much a message of a cmdlet matters, most first.</summary>
public enum MessageLevel : long
{
    /// <summary>An error.</summary>
    Error,
    /// <summary>A warning.</summary>
    Warning,
    /// <summary>A line for the person at the host.</summary>
    Information,
    /// <summary>A verbose line, also where -Verbose was not given.</summary>
    Verbose,
    /// <summary>A debug line: the SQL of the module, where -Debug was given.</summary>
    Debug,
}
