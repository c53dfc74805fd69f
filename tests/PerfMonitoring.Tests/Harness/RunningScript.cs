using System.Diagnostics;
using System.Management.Automation;

namespace PerfMonitoring.Testing;

/// <summary>A running script.</summary>
public sealed class RunningScript(PowerShell shell, RecordingHost host, Task<ScriptResult> completion)
{
    /// <summary>Completes when the script ends.</summary>
    public Task<ScriptResult> Completion => completion;

    /// <summary>Waits until the script has reported progress that meets the condition.</summary>
    /// <exception cref="TimeoutException">There was no such report within the limit, which is 30 seconds by default.</exception>
    public async Task WaitForProgressAsync(Func<ProgressRecord, bool> condition, TimeSpan? limit = null)
    {
        var watch = Stopwatch.StartNew();
        while (!host.PeekProgress().Any(condition))
        {
            if (completion.IsCompleted)
            {
                Assert.Fail($"The script ended before it reported such progress: {(await completion).Exception}");
            }

            if (watch.Elapsed > (limit ?? TimeSpan.FromMinutes(3)))
            {
                throw new TimeoutException("The script has not reported such progress.");
            }

            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Stops the script, as Ctrl+C does, and waits for its end.</summary>
    /// <returns>Its result; <see cref="ScriptResult.WasStopped"/> shows whether it was still running.</returns>
    public async Task<ScriptResult> StopAsync()
    {
        if (!completion.IsCompleted)
        {
            // The result is not used: it may be null if the script ends at once.
            shell.BeginStop(null, null);
        }

        return await completion;
    }
}
