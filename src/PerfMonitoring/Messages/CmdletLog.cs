using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;

namespace PerfMonitoring.Messages;

/// <summary>
/// Keeps the messages of one run of a cmdlet: in the log of the process, and in a file where the configuration names one.
/// </summary>
/// <param name="cmdlet">The running cmdlet.</param>
/// <param name="name">Its name.</param>
internal sealed class CmdletLog(PSCmdlet cmdlet, string name)
{
    // A message is for people; a statement of ours is longer.
    private const int LongestMessage = 20_000;

    // One for each file, because it knows whether its failure was told.
    private static readonly Dictionary<LogFileSettings, RollingFile> Files = [];
    private static string? toldFailure;

    private LogFileSettings? settings;

    /// <summary>Keeps a message. A file that cannot be written is told of once, and the work goes on.</summary>
    public void Add(MessageLevel level, string text, string? session, string? errorId = null)
    {
        var entry = new PerfMonitoringLogEntry
        {
            Time = DateTimeOffset.Now, Level = level, Cmdlet = name, Session = session, ErrorId = errorId,
            Message = VisibleText.Line(text, LongestMessage),
        };
        MessageLog.OfProcess.Add(entry);
        settings ??= ReadSettings(errorId);
        if (settings.Path is null || level > settings.Level)
        {
            return;
        }

        RollingFile? file;
        lock (Files)
        {
            if (!Files.TryGetValue(settings, out file))
            {
                Files[settings] = file = new RollingFile(settings.Path, settings.MaximumSize, settings.MaximumFiles);
            }
        }

        if (file.Append(entry) is { } failure)
        {
            Warn($"The log file {settings.Path} cannot be written, and the work goes on without it: {failure} "
                + "Get-PerfMonitoringLog has the messages of this process, and Log.Path names the file.");
        }
    }

    // A cmdlet that takes settings of its own ends with the same error. The others work, and say why there is no file.
    private LogFileSettings ReadSettings(string? errorId)
    {
        var read = new LogFileSettings();
        try
        {
            EffectiveConfiguration.Apply(read, cmdlet, _ => false);
            toldFailure = null;
            return read;
        }
        catch (PerfMonitoringException e)
        {
            if (errorId != e.ErrorId && toldFailure != e.Message)
            {
                toldFailure = e.Message;
                Warn($"No message is written to a log file: {e.Message} {e.Remedy}");
            }

            return new LogFileSettings();
        }
    }

    private void Warn(string text)
    {
        MessageLog.OfProcess.Add(new PerfMonitoringLogEntry
        {
            Time = DateTimeOffset.Now, Level = MessageLevel.Warning, Cmdlet = name, Message = VisibleText.Line(text),
        });
        // A pipeline that was stopped takes no warning, and what is to be said now goes first.
        if (!cmdlet.Stopping)
        {
            cmdlet.WriteWarning(VisibleText.Line(text));
        }
    }
}
