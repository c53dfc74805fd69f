namespace PerfMonitoring.Sandbox;

/// <summary>The machine has no PostgreSQL that would do; the message says which one was wanted.</summary>
public sealed class PostgresMissingException : Exception
{
    public PostgresMissingException()
    {
    }

    public PostgresMissingException(string message)
        : base(message)
    {
    }

    public PostgresMissingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
