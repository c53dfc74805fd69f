using System.Globalization;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Shell.Tests;

public sealed class ShellTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("pmsh-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_script_gets_its_parameters_and_gives_its_exit_code()
    {
        var script = Script("param([string] $Name, [int] $Count, [switch] $Loud) \"$Name/$Count/$Loud/$PSScriptRoot\"; exit 5");

        var (exitCode, output, _) = await ProgramRun.ToEndAsync("pmsh", "", script, "it's -odd", "-Loud", "-Count", "3");

        Assert.Equal(5, exitCode);
        Assert.Equal($"it's -odd/3/True/{folder}\n", output);
    }

    [Fact]
    public async Task A_terminating_error_is_shown_and_gives_1()
    {
        var (exitCode, output, errors) = await ProgramRun.ToEndAsync("pmsh", "", "-c", "'before'; throw 'oops'; 'after'");

        Assert.Equal(1, exitCode);
        Assert.Equal("before\n", output);
        Assert.Contains("oops", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_that_goes_on_after_an_error_shows_it_and_gives_0()
    {
        var (exitCode, output, errors) = await ProgramRun.ToEndAsync("pmsh", "", "-c", "Get-Command NoSuchThing; 'after'");

        Assert.Equal((0, "after\n"), (exitCode, output));
        Assert.Contains("NoSuchThing", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_staged_module_is_found_by_name()
    {
        var (exitCode, output, _) = await ProgramRun.ToEndAsync(
            "pmsh", "", "-c", "Import-Module PerfMonitoring; (Get-Module PerfMonitoring).Name");

        Assert.Equal((0, "PerfMonitoring\n"), (exitCode, output));
    }

    [Theory]
    [InlineData("y\n", "done\n")]
    [InlineData("No\n", "left\n")]
    public async Task Confirm_asks_and_heeds_the_answer(string answer, string expected)
    {
        const string command = """
            function Remove-It { [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')] param()
                if ($PSCmdlet.ShouldProcess('it', 'Remove')) { 'done' } else { 'left' } }
            Remove-It
            """;

        var (_, output, _) = await ProgramRun.ToEndAsync("pmsh", answer, "-c", command);

        Assert.EndsWith(expected, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_anyone_to_answer_nothing_is_confirmed()
    {
        const string command = """
            function Remove-It { [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')] param()
                if ($PSCmdlet.ShouldProcess('it', 'Remove')) { 'done' } }
            Remove-It
            """;

        var (_, output, errors) = await ProgramRun.ToEndAsync("pmsh", "", "-c", command);

        Assert.DoesNotContain("done", output, StringComparison.Ordinal);
        Assert.Contains("Nobody is there to answer", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Statements_are_read_until_they_are_complete()
    {
        var (exitCode, output, _) = await ProgramRun.ToEndAsync("pmsh", "function Get-It {\n42\n}\nGet-It\nexit 7\n");

        Assert.Equal(7, exitCode);
        Assert.Contains("42\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Objects_are_sorted_and_selected()
    {
        const string command = "@(3, 1, 2) | Sort-Object -Descending | Select-Object -First 2; "
            + "@{ a = 2 }, @{ a = 1 } | Sort-Object a | Select-Object -ExpandProperty a";

        var (_, output, _) = await ProgramRun.ToEndAsync("pmsh", "", "-c", command);

        Assert.Equal("3\n2\n1\n2\n", output);
    }

    [Fact]
    public async Task A_stopped_script_cleans_up()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent by kill");
        var script = Script("try { 'ready'; while ($true) { [Threading.Thread]::Sleep(20) } } finally { Write-Host 'cleaned' }");
        using var process = ProgramRun.Start("pmsh", script);
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));

        await SignalAsync("TERM", process.Id);
        var rest = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal((143, "cleaned\n"), (process.ExitCode, rest));
    }

    internal static async Task SignalAsync(string signal, int processId)
    {
        using var kill = System.Diagnostics.Process.Start("kill", ["-" + signal, processId.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    private string Script(string text)
    {
        var path = Path.Combine(folder, "script.ps1");
        File.WriteAllText(path, text);
        return path;
    }
}
