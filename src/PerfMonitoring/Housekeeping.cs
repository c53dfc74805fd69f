using System.Management.Automation;
using System.Threading.Channels;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;
using PerfMonitoring.Messages;
using PerfMonitoring.Sessions;

namespace PerfMonitoring;

/// <summary>
/// What every cmdlet does beside its work: it takes defaults from the configuration, keeps its messages in the log, and tells
/// which statements it sends.
/// </summary>
/// <param name="cmdlet">The cmdlet.</param>
internal sealed class Housekeeping(PerfCmdlet cmdlet)
{
    private CmdletLog? log;
    private Statements? statements;

    private Cmdlet Streams => cmdlet;

    /// <summary>Begins, before the first argument is used.</summary>
    /// <exception cref="PerfMonitoringException">The configuration cannot be used.</exception>
    public void Begin()
    {
        Listen();
        EffectiveConfiguration.Apply(cmdlet, cmdlet, cmdlet.BoundParameters.ContainsKey);
    }

    /// <summary>Begins to hear of the statements, if somebody wants to know them.</summary>
    public void Listen()
    {
        var tellsText = IsOn("Debug");
        statements = tellsText || IsOn("Verbose") ? new Statements(tellsText) : null;
    }

    /// <summary>Keeps a message in the log.</summary>
    public void Note(MessageLevel level, string text) => Log.Add(level, text, cmdlet.NameOfSession);

    /// <summary>Keeps an error in the log.</summary>
    public void Note(ErrorRecord record) => Log.Add(
        MessageLevel.Error, record.ErrorDetails?.RecommendedAction is { } remedy ? $"{record.Exception.Message} {remedy}"
            : record.Exception.Message,
        cmdlet.NameOfSession,
        (record.Exception as PerfMonitoringException)?.ErrorId ?? record.FullyQualifiedErrorId.Split(',')[0]);

    /// <summary>
    /// Keeps a failure that the cmdlet does not translate. Its text is not kept, because it may hold anything.
    /// </summary>
    /// <returns>False: as a condition of a catch it lets the failure pass.</returns>
    public bool Note(Exception failure)
    {
        if (failure is not (PerfMonitoringException or PipelineStoppedException or ActionPreferenceStopException
            or OperationCanceledException or FlowControlException))
        {
            Log.Add(MessageLevel.Error, $"{failure.GetType().FullName}; its text is in $Error.", cmdlet.NameOfSession);
        }

        return false;
    }

    /// <summary>Starts work in the thread pool, and hears of its statements if somebody wants to know them.</summary>
    public Task<T> Start<T>(Func<Task<T>> work)
    {
        if (statements is not { } listener)
        {
            return Task.Run(work);
        }

        return Task.Run(() =>
        {
            StatementFeed.Listener = listener;
            return work();
        });
    }

    /// <summary>Waits for work, and tells of its statements in the meantime.</summary>
    public T Wait<T>(Task<T> work)
    {
        if (statements is { } listener)
        {
            try
            {
                while (!work.IsCompleted)
                {
                    Task.WaitAny(work, listener.MoreAsync());
                    ShowStatements();
                }

                ShowStatements();
            }
            catch
            {
                // The work ends before its cmdlet does.
                ((IAsyncResult)work).AsyncWaitHandle.WaitOne();
                throw;
            }
        }

        return work.GetAwaiter().GetResult();
    }

    /// <summary>Tells of the statements that were sent since the last call.</summary>
    public void ShowStatements()
    {
        while (statements?.TryTake(out var line) == true)
        {
            Note(line.Level, line.Text);
            if (line.Level == MessageLevel.Debug)
            {
                Streams.WriteDebug(line.Text);
            }
            else
            {
                Streams.WriteVerbose(line.Text);
            }
        }
    }

    private CmdletLog Log => log ??= new CmdletLog(cmdlet, cmdlet.CommandName);

    private bool IsOn(string stream) => cmdlet.BoundParameters.TryGetValue(stream, out var given)
        ? LanguagePrimitives.IsTrue(given)
        : cmdlet.Call is null && cmdlet.GetVariableValue(stream + "Preference") is { } preference
            && LanguagePrimitives.TryConvertTo<ActionPreference>(preference, out var action)
            && action is not (ActionPreference.SilentlyContinue or ActionPreference.Ignore);

    private sealed class Statements(bool wantsText) : IStatementListener
    {
        private readonly Channel<(MessageLevel Level, string Text)> lines =
            Channel.CreateUnbounded<(MessageLevel Level, string Text)>();

        public bool WantsText => wantsText;

        public void Begins(string server, string names, string text) => Add(
            MessageLevel.Debug,
            $"{VisibleText.Line(names)} goes to {VisibleText.Line(server)}{(text.Length == 0 ? "." : ":\n" + text)}");

        public void Ends(string server, string names, TimeSpan duration) => Add(
            MessageLevel.Verbose,
            FormattableString.Invariant($"{VisibleText.Line(server)} answered {names} in {duration.TotalMilliseconds:0} ms."));

        public bool TryTake(out (MessageLevel Level, string Text) line) => lines.Reader.TryRead(out line);

        public Task<bool> MoreAsync() => lines.Reader.WaitToReadAsync().AsTask();

        private void Add(MessageLevel level, string text) => lines.Writer.TryWrite((level, text));
    }
}
