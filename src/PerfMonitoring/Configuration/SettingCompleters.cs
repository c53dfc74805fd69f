using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using PerfMonitoring.Common;

namespace PerfMonitoring.Configuration;

/// <summary>Names of settings.</summary>
public sealed class SettingNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst,
        IDictionary fakeBoundParameters)
    {
        var typed = Word.Unquote(wordToComplete);
        var pattern = WildcardPattern.Get(WildcardPattern.Escape(typed) + "*", WildcardOptions.IgnoreCase);
        return Settings.All
            .Where(s => pattern.IsMatch(s.Setting.Name) || pattern.IsMatch(s.Setting.Name[(s.Setting.Name.IndexOf('.') + 1)..]))
            .Select(s => Word.Choice(s.Setting.Name, $"{s.Description} It takes {s.Setting.Limits}."));
    }
}

/// <summary>Values of the setting that was named: its words, or its default.</summary>
public sealed class SettingValueCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst,
        IDictionary fakeBoundParameters)
    {
        var name = fakeBoundParameters["Name"] is { } given
            ? LanguagePrimitives.ConvertTo<string[]>(given).FirstOrDefault() : null;
        if (name is null || Settings.Find(name) is not { } setting)
        {
            return [];
        }

        var values = setting.Words.Count > 0 ? setting.Words : setting.Text(setting.Default) is { } text ? [text] : [];
        return values.Where(v => v.StartsWith(Word.Unquote(wordToComplete), StringComparison.OrdinalIgnoreCase))
            .Select(v => Word.Choice(v, $"{setting.Name} takes {setting.Limits}."));
    }
}
