using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace PerfMonitoring.Shell;

/// <summary>The terminal, or what takes its place: output on standard output, everything else on standard error.</summary>
internal sealed class ShellConsole : PSHostUserInterface
{
    private readonly Lock gate = new();
    private readonly ProgressText progress = new();
    private bool progressIsShown;

    /// <summary>Whether what is written now is an error, however it is written.</summary>
    public bool OutputIsError { get; set; }

    public override PSHostRawUserInterface RawUI { get; } = new ShellRawConsole();

    public override bool SupportsVirtualTerminal =>
        !Console.IsOutputRedirected
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") is not "dumb";

    public override void Write(string value) => Put(
        OutputIsError ? Console.Error : Console.Out,
        GetOutputString(value, SupportsVirtualTerminal && !(OutputIsError && Console.IsErrorRedirected)));

    public override void WriteLine(string value) => Write(value + "\n");

    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value)
    {
        if (!SupportsVirtualTerminal)
        {
            Write(value);
            return;
        }

        lock (gate)
        {
            Console.ForegroundColor = foregroundColor;
            Write(value);
            Console.ResetColor();
        }
    }

    public override void WriteErrorLine(string value) => PutNote(ConsoleColor.Red, value);

    public override void WriteWarningLine(string message) => PutNote(ConsoleColor.Yellow, "WARNING: " + message);

    public override void WriteVerboseLine(string message) => PutNote(ConsoleColor.Cyan, "VERBOSE: " + message);

    public override void WriteDebugLine(string message) => PutNote(ConsoleColor.Gray, "DEBUG: " + message);

    public override void WriteProgress(long sourceId, ProgressRecord record)
    {
        if (!SupportsVirtualTerminal)
        {
            if (progress.LineFor(sourceId, record) is { } line)
            {
                Put(Console.Error, line + "\n");
            }

            return;
        }

        lock (gate)
        {
            EndProgress();
            if (record.RecordType == ProgressRecordType.Processing)
            {
                var text = ProgressText.Describe(record);
                Console.Out.Write(text[..Math.Min(text.Length, RawUI.BufferSize.Width - 1)]);
                progressIsShown = true;
            }
        }
    }

    /// <summary>Wipes the progress line off the terminal.</summary>
    public void EndProgress()
    {
        lock (gate)
        {
            if (progressIsShown)
            {
                Console.Out.Write("\r\e[K");
                progressIsShown = false;
            }
        }
    }

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
    {
        var keys = choices.Select((choice, index) => Key(choice.Label, index)).ToList();
        WriteLine(caption);
        WriteLine(message);
        while (true)
        {
            for (var i = 0; i < choices.Count; i++)
            {
                Write($"[{keys[i]}] {choices[i].Label.Replace("&", "", StringComparison.Ordinal)}  ");
            }

            Write(defaultChoice >= 0 ? $"[?] Help (default is \"{keys[defaultChoice]}\"): " : "[?] Help: ");
            var answer = ReadLine().Trim();
            if (answer.Length == 0 && defaultChoice >= 0)
            {
                return defaultChoice;
            }

            var chosen = keys.FindIndex(key => key.Equals(answer, StringComparison.OrdinalIgnoreCase));
            if (chosen < 0)
            {
                chosen = choices.ToList().FindIndex(choice =>
                    choice.Label.Replace("&", "", StringComparison.Ordinal).Equals(answer, StringComparison.OrdinalIgnoreCase));
            }

            if (chosen >= 0)
            {
                return chosen;
            }

            if (answer == "?")
            {
                for (var i = 0; i < choices.Count; i++)
                {
                    WriteLine($"{keys[i]} - {choices[i].HelpMessage}");
                }
            }
        }
    }

    public override Dictionary<string, PSObject> Prompt(
        string caption, string message, Collection<FieldDescription> descriptions)
    {
        WriteLine(caption);
        WriteLine(message);
        var answers = new Dictionary<string, PSObject>();
        foreach (var field in descriptions)
        {
            if (field.ParameterTypeName == nameof(PSCredential))
            {
                answers[field.Name] = new PSObject(PromptForCredential(caption, message, "", ""));
                continue;
            }

            Write(field.Name + ": ");
            answers[field.Name] = field.ParameterTypeName == nameof(SecureString)
                ? new PSObject(ReadLineAsSecureString())
                : new PSObject(ReadLine());
        }

        return answers;
    }

    public override PSCredential PromptForCredential(
        string caption, string message, string userName, string targetName,
        PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) =>
        PromptForCredential(caption, message, userName, targetName);

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName)
    {
        WriteLine(caption);
        WriteLine(message);
        if (string.IsNullOrEmpty(userName))
        {
            Write("User: ");
            userName = ReadLine();
        }

        Write($"Password for user {userName}: ");
        return new PSCredential(userName, ReadLineAsSecureString());
    }

    /// <exception cref="PSInvalidOperationException">Standard input has ended: nobody is there to answer.</exception>
    public override string ReadLine() =>
        Console.In.ReadLine() ?? throw new PSInvalidOperationException("Nobody is there to answer: standard input has ended.");

    public override SecureString ReadLineAsSecureString()
    {
        var secret = new SecureString();
        if (Console.IsInputRedirected)
        {
            foreach (var character in ReadLine())
            {
                secret.AppendChar(character);
            }

            return secret;
        }

        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                if (secret.Length > 0)
                {
                    secret.RemoveAt(secret.Length - 1);
                }
            }
            else if (key.KeyChar != '\0')
            {
                secret.AppendChar(key.KeyChar);
            }
        }

        WriteLine("");
        return secret;
    }

    private static string Key(string label, int index)
    {
        var mark = label.IndexOf('&', StringComparison.Ordinal);
        return mark >= 0 && mark + 1 < label.Length ? label[mark + 1].ToString().ToUpperInvariant() : $"{index + 1}";
    }

    private void PutNote(ConsoleColor color, string text)
    {
        lock (gate)
        {
            if (Console.IsErrorRedirected || !SupportsVirtualTerminal)
            {
                Put(Console.Error, GetOutputString(text, supportsVirtualTerminal: false) + "\n");
                return;
            }

            if (text.Contains('\e', StringComparison.Ordinal))
            {
                // PowerShell has coloured it already.
                Put(Console.Error, text + "\n");
                return;
            }

            Console.ForegroundColor = color;
            Put(Console.Error, text + "\n");
            Console.ResetColor();
        }
    }

    private void Put(TextWriter writer, string text)
    {
        lock (gate)
        {
            EndProgress();
            writer.Write(text);
            writer.Flush();
        }
    }
}
