using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;
using System.Text;

namespace PerfMonitoring.Testing;

/// <summary>A PowerShell host of 120 columns that records its output and answers prompts from a list.</summary>
public sealed class RecordingHost : PSHost
{
    private readonly RecordingUI ui = new();

    /// <summary>The labels of the choices for the next prompts, such as <c>&amp;Yes</c> or just <c>Yes</c>.</summary>
    public Queue<string> Answers => ui.Answers;

    /// <summary>The captions and messages of the prompts so far.</summary>
    public IReadOnlyList<string> Prompts => ui.Prompts;

    /// <summary>The exit code of a script's <c>exit</c>; null without one.</summary>
    public int? ExitCode { get; private set; }

    public override CultureInfo CurrentCulture => CultureInfo.InvariantCulture;

    public override CultureInfo CurrentUICulture => CultureInfo.GetCultureInfo("en-US");

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override string Name => "RecordingHost";

    public override Version Version { get; } = new(1, 0);

    public override PSHostUserInterface UI => ui;

    /// <summary>The text that was written since the last call.</summary>
    internal string TakeText() => ui.TakeText();

    /// <summary>The progress records since the last call, oldest first.</summary>
    internal IReadOnlyList<ProgressRecord> TakeProgress() => ui.TakeProgress();

    internal IReadOnlyList<ProgressRecord> PeekProgress() => ui.PeekProgress();

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    public override void EnterNestedPrompt() => throw new PSNotSupportedException();

    public override void ExitNestedPrompt() => throw new PSNotSupportedException();

    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }

    private sealed class RecordingUI : PSHostUserInterface
    {
        private readonly Lock gate = new();
        private readonly StringBuilder text = new();
        private readonly List<ProgressRecord> progress = [];
        private readonly List<string> prompts = [];

        public Queue<string> Answers { get; } = new();

        public IReadOnlyList<string> Prompts => prompts;

        public override PSHostRawUserInterface RawUI { get; } = new FixedRawUI();

        public string TakeText()
        {
            lock (gate)
            {
                var written = text.ToString();
                text.Clear();
                return written;
            }
        }

        public IReadOnlyList<ProgressRecord> TakeProgress()
        {
            lock (gate)
            {
                ProgressRecord[] records = [.. progress];
                progress.Clear();
                return records;
            }
        }

        public IReadOnlyList<ProgressRecord> PeekProgress()
        {
            lock (gate)
            {
                return [.. progress];
            }
        }

        public override void Write(string value)
        {
            lock (gate)
            {
                // Headings contain colours, and the host has to remove them.
                text.Append(GetOutputString(value, supportsVirtualTerminal: false));
            }
        }

        public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) => Write(value);

        public override void WriteLine(string value) => Write(value + "\n");

        public override void WriteErrorLine(string value) => WriteLine(value);

        public override void WriteDebugLine(string message) => WriteLine("DEBUG: " + message);

        public override void WriteVerboseLine(string message) => WriteLine("VERBOSE: " + message);

        public override void WriteWarningLine(string message) => WriteLine("WARNING: " + message);

        public override void WriteProgress(long sourceId, ProgressRecord record)
        {
            // The cmdlet may change the record after it has passed it on.
            var copy = new ProgressRecord(record.ActivityId, record.Activity, record.StatusDescription)
            {
                ParentActivityId = record.ParentActivityId,
                PercentComplete = record.PercentComplete,
                SecondsRemaining = record.SecondsRemaining,
                RecordType = record.RecordType,
            };
            if (!string.IsNullOrEmpty(record.CurrentOperation))
            {
                copy.CurrentOperation = record.CurrentOperation;
            }

            lock (gate)
            {
                progress.Add(copy);
            }
        }

        public override int PromptForChoice(
            string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
        {
            prompts.Add(caption + "\n" + message);
            var answer = Answers.Count > 0
                ? Answers.Dequeue()
                : throw new InvalidOperationException($"Nobody is there to answer: {caption} {message}");
            for (var i = 0; i < choices.Count; i++)
            {
                if (Plain(choices[i].Label) == Plain(answer))
                {
                    return i;
                }
            }

            throw new InvalidOperationException(
                $"No choice {answer} among {string.Join(", ", choices.Select(choice => choice.Label))}");
        }

        public override Dictionary<string, PSObject> Prompt(
            string caption, string message, Collection<FieldDescription> descriptions) =>
            throw new InvalidOperationException(
                $"Nobody is there to answer: {string.Join(", ", descriptions.Select(field => field.Name))}");

        public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) =>
            throw new InvalidOperationException("Nobody is there to give a credential.");

        public override PSCredential PromptForCredential(
            string caption, string message, string userName, string targetName,
            PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) =>
            PromptForCredential(caption, message, userName, targetName);

        public override string ReadLine() => throw new InvalidOperationException("Nobody is there to read from.");

        public override SecureString ReadLineAsSecureString() =>
            throw new InvalidOperationException("Nobody is there to read from.");

        private static string Plain(string label) => label.Replace("&", "", StringComparison.Ordinal);
    }

    private sealed class FixedRawUI : PSHostRawUserInterface
    {
        public override ConsoleColor BackgroundColor { get; set; } = ConsoleColor.Black;

        public override Size BufferSize { get; set; } = new(120, 50);

        public override Coordinates CursorPosition { get; set; }

        public override int CursorSize { get; set; } = 1;

        public override ConsoleColor ForegroundColor { get; set; } = ConsoleColor.Gray;

        public override bool KeyAvailable => false;

        public override Size MaxPhysicalWindowSize => new(120, 50);

        public override Size MaxWindowSize => new(120, 50);

        public override Coordinates WindowPosition { get; set; }

        public override Size WindowSize { get; set; } = new(120, 50);

        public override string WindowTitle { get; set; } = "";

        public override void FlushInputBuffer()
        {
        }

        public override BufferCell[,] GetBufferContents(Rectangle rectangle) => throw new PSNotSupportedException();

        public override KeyInfo ReadKey(ReadKeyOptions options) => throw new PSNotSupportedException();

        public override void ScrollBufferContents(
            Rectangle source, Coordinates destination, Rectangle clip, BufferCell fill) => throw new PSNotSupportedException();

        public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) => throw new PSNotSupportedException();

        public override void SetBufferContents(Rectangle rectangle, BufferCell fill) => throw new PSNotSupportedException();
    }
}
