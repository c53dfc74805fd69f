namespace PerfMonitoring.Sandbox;

/// <summary>The machine has no suitable PostgreSQL; the message names the wanted version.</summary>
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
