using PerfMonitoring.Model;

namespace PerfMonitoring.Prerequisites;

/// <summary>An answer of the server, or why there is none.</summary>
internal sealed record Fact<T>(T? Answer, PrerequisiteState State, string? Reason)
    where T : class
{
    public bool IsKnown => Answer is not null;

    public T Value => Answer ?? throw new InvalidOperationException("There is no answer.");
}

/// <summary>Asks for one answer.</summary>
internal static class Fact
{
    public static Fact<T> Known<T>(T answer)
        where T : class => new(answer, PrerequisiteState.Ok, null);

    /// <summary>A refusal is Denied, another failure Unknown; only a lost connection is thrown.</summary>
    public static async Task<Fact<T>> OfAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return Known(await ask(cancellationToken));
        }
        catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
        {
            return new Fact<T>(null, e.Kind == FailureKind.PermissionDenied ? PrerequisiteState.Denied : PrerequisiteState.Unknown, e.Message);
        }
    }
}
