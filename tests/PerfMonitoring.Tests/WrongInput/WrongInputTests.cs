using System.Management.Automation;
using System.Text.RegularExpressions;
using PerfMonitoring.Terminal;

namespace PerfMonitoring.WrongInput;

/// <summary>
/// Every wrong argument gives an error with a stable id, the argument's name and a remedy. The error comes before any change, and
/// is never a .NET exception.
/// </summary>
public sealed partial class WrongInputTests(WrongInputDatabase world) : IClassFixture<WrongInputDatabase>
{
    // PowerShell's own binding errors. They name the parameter and the type or the words that it accepts.
    private static readonly HashSet<string> BindingIds = new(StringComparer.Ordinal)
    {
        "ParameterArgumentValidationError", "ParameterArgumentValidationErrorNullNotAllowed",
        "ParameterArgumentValidationErrorEmptyStringNotAllowed",
        "ParameterArgumentValidationErrorEmptyArrayNotAllowed", "ParameterArgumentValidationErrorEmptyCollectionNotAllowed",
        "ParameterArgumentTransformationError",
        "CannotConvertArgument", "CannotConvertArgumentNoMessage", "AmbiguousParameterSet", "MissingMandatoryParameter",
        "NamedParameterNotFound",
        "ScriptBlockArgumentNoInput", "ParameterBindingFailed",
    };

    // One test per cmdlet: its rows share the session and the database, and take milliseconds.
    public static TheoryData<string> Commands => [.. WrongInputRows.Wrong.Select(r => r.Command).Distinct()];

    [Fact]
    public void The_table_has_rows_for_every_cmdlet()
    {
        var commands = world.Session.Invoke("(Get-Command -Module PerfMonitoring).Name")
            .MustSucceed().Output.Select(o => (string)o.BaseObject);

        Assert.Empty(commands.Except(WrongInputRows.Wrong.Select(r => r.Command)));
        Assert.InRange(WrongInputRows.Wrong.Count, 300, int.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public Task What_cannot_be_meant_is_refused(string command) =>
        RunAsync(WrongInputRows.Wrong.Where(r => r.Command == command), mustFail: true);

    [Theory]
    [MemberData(nameof(Commands))]
    public Task What_is_odd_is_answered_and_changes_nothing(string command) =>
        RunAsync(WrongInputRows.Odd.Where(r => r.Command == command), mustFail: false);

    private async Task RunAsync(IEnumerable<(string Command, string Parameter, string Script)> rows, bool mustFail)
    {
        var wrong = new List<string>();
        foreach (var (_, parameter, script) in rows)
        {
            var result = world.Session.Invoke(script);
            var problems = result.AllErrors.Select(e => Problem(e, parameter)).OfType<string>().ToList();
            if (mustFail && result.AllErrors.Count == 0)
            {
                problems.Add("no error");
            }

            wrong.AddRange(problems.Select(p => $"{script}: {p}"));
        }

        if (await world.HasChangedAsync())
        {
            wrong.Add("one of them changed something");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    // Null if the error is as expected.
    private static string? Problem(ErrorRecord error, string parameter)
    {
        var id = error.FullyQualifiedErrorId.Split(',')[0];
        var message = error.ToString();
        var wayOut = error.ErrorDetails?.RecommendedAction;
        if (Raw().IsMatch(message))
        {
            return $"{id} is raw: {message}";
        }

        if (BindingIds.Contains(id))
        {
            return id is "AmbiguousParameterSet" or "NamedParameterNotFound"
                || message.Contains($"'{parameter}'", StringComparison.Ordinal)
                ? null : $"{id} does not name the parameter: {message}";
        }

        // An error about a missing object names the object itself.
        var names = id is "ObjectIncomplete" or "ObjectUnreadable" && parameter is "InputObject" or "SlowQuery" or "Action"
            || (parameter == "Replica" && message.Contains("session", StringComparison.OrdinalIgnoreCase))
            || error.CategoryInfo.Category is ErrorCategory.ObjectNotFound
            || $"{message} {wayOut}".Contains(parameter, StringComparison.OrdinalIgnoreCase)
            || (error.CategoryInfo.TargetName is { Length: > 0 } name && message.Contains(name, StringComparison.Ordinal));
        return error.Exception.GetType().FullName != "PerfMonitoring.Common.PerfMonitoringException" || id == "ServerError"
            ? $"{id} is no error of ours: {message}"
            : message.Length > 2000 ? $"{id} is {message.Length} characters long"
            : Hostile.Steers(message) || Hostile.Steers(wayOut) ? $"{id} steers the terminal: {message}"
            : string.IsNullOrWhiteSpace(wayOut) ? $"{id} has no way out: {message}"
            : names ? null : $"{id} does not name -{parameter}: {message} {wayOut}";
    }

    [GeneratedRegex(
        @"Npgsql\.|NpgsqlException|Object reference|NullReference|InvalidCast|\bat PerfMonitoring\.|ArgumentException|"
            + @"Exception of type|Stack|SQLSTATE 22P0|SQLSTATE XX")]
    private static partial Regex Raw();
}
