namespace PerfMonitoring.Testing;

/// <summary>Waits for what another process does, however slow the machine is.</summary>
public static class Eventually
{
    // Far longer than any machine takes, so that a wait that can never end fails.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>Asks again and again until the answer is yes.</summary>
    /// <param name="question">The question.</param>
    /// <param name="what">What is waited for, for the failure.</param>
    public static async Task HoldsAsync(Func<Task<bool>> question, string what)
    {
        var since = Environment.TickCount64;
        while (!await question())
        {
            Assert.True(Environment.TickCount64 - since < Limit.TotalMilliseconds, $"It never came to pass: {what}.");
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
    }
}
