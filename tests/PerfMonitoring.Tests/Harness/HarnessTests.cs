namespace PerfMonitoring.Testing;

public sealed class HarnessTests : IDisposable
{
    private readonly ModuleRunspace session = ModuleRunspace.Bare();

    public void Dispose() => session.Dispose();

    [Fact]
    public void Output_and_arguments_travel()
    {
        var result = session.Invoke(
            "$args[0] | Where-Object { $_ -gt 1 } | ForEach-Object { $_ * $args[1] }", new[] { 1, 2, 3 }, 1);

        // Inside the script block $args belongs to the block, so the script must keep its $args in a variable.
        Assert.Equal(2, result.Output.Count);
        Assert.Equal(6, session.Invoke("$factor = $args[1]; $args[0] | ForEach-Object { $_ * $factor }", 3, 2).Only().BaseObject);
    }

    [Fact]
    public void Errors_are_told_apart()
    {
        var result = session.Invoke("""
            'before'
            $ExecutionContext.InvokeCommand.GetCommand('Nothing', 'Cmdlet')
            Get-Command -Name NoSuchCommand
            throw 'the end'
            """);

        Assert.Equal("before", result.Output[0].BaseObject);
        Assert.Equal(
            "CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand",
            Assert.Single(result.Errors).FullyQualifiedErrorId);
        Assert.Equal("the end", result.TerminatingError?.FullyQualifiedErrorId);
        Assert.Equal(2, result.AllErrors.Count);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => result.MustSucceed());
    }

    [Fact]
    public void Output_is_rendered_at_120_columns()
    {
        var text = session.Render("[pscustomobject]@{ Size = 3; Name = 'x' * 200 }");

        Assert.Contains("Size Name", text, StringComparison.Ordinal);
        // PowerShell leaves the last column empty, so that the console does not break the line there.
        Assert.Equal(119, text.Split('\n').Max(line => line.Length));
    }

    [Fact]
    public void Prompts_are_answered_and_remembered()
    {
        session.Host.Answers.Enqueue("No");
        const string script = """
            function Remove-It { [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')] param()
                if ($PSCmdlet.ShouldProcess('it', 'Remove')) { 'removed' } else { 'kept' } }
            """;

        Assert.Equal("kept", session.Invoke(script + "\nRemove-It").Only().BaseObject);
        Assert.Contains("it", Assert.Single(session.Host.Prompts), StringComparison.Ordinal);
        Assert.Contains(
            "Nobody is there", Assert.Single(session.Invoke("Remove-It").AllErrors).ToString(), StringComparison.Ordinal);
        Assert.Contains(
            "What if: Performing the operation", session.Invoke("Remove-It -WhatIf").HostText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_is_recorded_and_a_script_can_be_stopped()
    {
        var running = session.Start("""
            $record = [System.Management.Automation.ProgressRecord]::new(7, 'Waiting', 'for the end')
            $record.PercentComplete = 40
            $Host.UI.WriteProgress(1, $record)
            while ($true) { [System.Threading.Thread]::Sleep(10) }
            """);
        await running.WaitForProgressAsync(record => record.PercentComplete == 40);

        var result = await running.StopAsync();

        Assert.True(result.WasStopped);
        Assert.Equal("Waiting", Assert.Single(result.Progress).Activity);
    }

    [Fact]
    public void The_staged_module_imports()
    {
        using var module = new ModuleRunspace();

        Assert.Equal("PerfMonitoring", module.Invoke("(Get-Module -Name PerfMonitoring).Name").Only().BaseObject);
    }
}
