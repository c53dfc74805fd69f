using PerfMonitoring.Common;

namespace PerfMonitoring.Prerequisites;

/// <summary>An answer of the server, or the reason why there is none.</summary>
internal sealed record Fact<T>(T? Answer, PrerequisiteState State, string? Reason, string? Remedy = null)
    where T : class
{
    public bool IsKnown => Answer is not null;

    public T Value => Answer ?? throw new InvalidOperationException("There is no answer.");
}

/// <summary>Asks the server for one fact.</summary>
internal static class Fact
{
    public static Fact<T> Known<T>(T answer)
        where T : class => new(answer, PrerequisiteState.Ok, null);

    /// <summary>A refusal is Denied, another failure is Unknown; only a lost connection throws.</summary>
    public static async Task<Fact<T>> OfAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return Known(await ask(cancellationToken));
        }
        catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
        {
            // The remedy of a refusal is Test-PerfMonitoringPrerequisite, which is running here.
            return e.Kind == FailureKind.PermissionDenied
                ? new Fact<T>(null, PrerequisiteState.Denied, e.Message)
                : new Fact<T>(null, PrerequisiteState.Unknown, e.Message, e.Remedy);
        }
    }
}
