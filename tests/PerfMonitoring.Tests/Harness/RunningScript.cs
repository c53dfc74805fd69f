using System.Diagnostics;
using System.Management.Automation;

namespace PerfMonitoring.Testing;

/// <summary>A script under way.</summary>
public sealed class RunningScript(PowerShell shell, RecordingHost host, Task<ScriptResult> completion)
{
    /// <summary>Ends when the script does.</summary>
    public Task<ScriptResult> Completion => completion;

    /// <summary>Waits until the script has reported progress for which the condition holds.</summary>
    /// <exception cref="TimeoutException">It did not within that time, 30 seconds unless given.</exception>
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
    /// <returns>What it left; <see cref="ScriptResult.WasStopped"/> tells whether it was still running.</returns>
    public async Task<ScriptResult> StopAsync()
    {
        if (!completion.IsCompleted)
        {
            // Its result is of no use: it may be null when the script ends at once.
            shell.BeginStop(null, null);
        }

        return await completion;
    }
}
