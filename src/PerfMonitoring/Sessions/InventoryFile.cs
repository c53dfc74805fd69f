using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>
/// Inventories as PowerShell has them: a .psd1 file, whose text is read as data and never runs, and tables of the pipeline.
/// </summary>
internal static class InventoryFile
{
    // Ten thousand servers take about 2 MB.
    private const long LargestFile = 64 << 20;
    private const int Deepest = 16;

    /// <summary>Reads and checks a file.</summary>
    /// <param name="path">Its full path.</param>
    /// <exception cref="PerfMonitoringException">InventoryNotFound, InventoryUnreadable, InventoryExposed, and the errors of
    /// <see cref="InventoryReader"/>.</exception>
    public static Inventory Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new PerfMonitoringException(
                ErrorIds.InventoryNotFound, FailureKind.NotFound, $"There is no inventory file {path}.",
                "Check -Inventory; about_PerfMonitoring_Fleet shows what such a file holds.", path);
        }

        // Whoever can change an address in it gets the password.
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & UnixFileMode.OtherWrite) != 0)
        {
            throw new PerfMonitoringException(
                ErrorIds.InventoryExposed, FailureKind.Security,
                $"Everybody on this machine can change {path}, and with it where passwords are sent.", $"Run chmod o-w {path}.",
                path);
        }

        return new InventoryReader(path, isFile: true, DurationAttribute.Read).Read(Parse(path, ReadText(path)));
    }

    /// <summary>Reads a table of the pipeline: one server, or a whole inventory as Import-PowerShellDataFile gives it.</summary>
    /// <exception cref="PerfMonitoringException">As <see cref="InventoryReader"/>.</exception>
    public static IReadOnlyList<InventoryServer> Read(IDictionary table)
    {
        var values = (InventoryTable)ToValue(table, 0).Value!;
        var isInventory = InventoryReader.IsInventory(values);
        var reader = new InventoryReader(
            isInventory ? "the piped inventory" : "the piped table", isInventory, DurationAttribute.Read);
        return isInventory ? reader.Read(values).Servers : [reader.ReadServer(values)];
    }

    private static string ReadText(string path)
    {
        try
        {
            return new FileInfo(path).Length <= LargestFile ? File.ReadAllText(path)
                : throw new IOException("The file is too large for an inventory.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PerfMonitoringException(
                ErrorIds.InventoryUnreadable, FailureKind.PermissionDenied, $"The inventory {path} cannot be read: {e.Message}",
                "Check its permissions.", path, e);
        }
    }

    private static InventoryTable Parse(string path, string text)
    {
        var script = Parser.ParseInput(text, path, out _, out var errors);
        if (errors.Length > 0)
        {
            // The parser's message may quote the file.
            throw Invalid(
                path, errors[0].Extent.StartLineNumber, $"is not PowerShell data ({errors[0].ErrorId})",
                "Check quotes, braces and commas near this line.");
        }

        return script is { ParamBlock: null, BeginBlock: null, ProcessBlock: null, EndBlock.Statements: [PipelineAst only] }
            && Expression(only) is HashtableAst table
            ? (InventoryTable)Read(path, table).Value!
            : throw Invalid(path, 1, "is not one table", "Write @{ Servers = @( ... ) } and nothing beside it.");
    }

    private static InventoryValue Read(string path, Ast? data)
    {
        var line = data?.Extent.StartLineNumber ?? 0;
        object? value = data switch
        {
            HashtableAst table => new InventoryTable([.. table.KeyValuePairs.Select(p => KeyValuePair.Create(
                p.Item1 is ConstantExpressionAst { Value: { } key } ? $"{key}"
                    : throw Invalid(path, p.Item1.Extent.StartLineNumber, "has a key that is code", "Write keys as plain words."),
                Read(path, Expression(p.Item2) ?? (Ast)p.Item2)))]),
            StringConstantExpressionAst text => text.Value,
            ConstantExpressionAst constant => constant.Value,
            VariableExpressionAst { Splatted: false } variable => variable.VariablePath.UserPath.ToUpperInvariant() switch
            {
                "TRUE" => true,
                "FALSE" => false,
                "NULL" => null,
                _ => throw Code(path, line),
            },
            ArrayLiteralAst list => (InventoryValue[])[.. list.Elements.Select(e => Read(path, e))],
            ArrayExpressionAst list => (InventoryValue[])[.. list.SubExpression.Statements
                .Select(s => Read(path, Expression(s) ?? (Ast)s))
                .SelectMany(v => v.Value is InventoryValue[] several ? several : [v])],
            ParenExpressionAst parentheses => Read(path, Expression(parentheses.Pipeline) ?? (Ast)parentheses.Pipeline).Value,
            _ => throw Code(path, line),
        };
        return new InventoryValue(value, line);
    }

    // The expression of a statement that is nothing else; null for a command.
    private static ExpressionAst? Expression(StatementAst statement) =>
        statement is PipelineAst { PipelineElements: [CommandExpressionAst { Redirections.Count: 0 } only] }
            ? only.Expression : null;

    private static PerfMonitoringException Code(string path, int line) => Invalid(
        path, line, "has code where a value belongs",
        "Write texts in single quotes, numbers, $true, $false, $null, @( ) and @{ }; variables and commands are never run.");

    private static PerfMonitoringException Invalid(string path, int line, string what, string remedy) =>
        new(ErrorIds.InvalidInventory, FailureKind.InvalidArgument, $"{path}, line {line}: the inventory {what}.", remedy, path);

    private static InventoryValue ToValue(object? given, int depth)
    {
        if (depth > Deepest)
        {
            throw Invalid("the piped table", 0, $"is nested deeper than {Deepest} levels, or holds itself", "Pass plain data.");
        }

        var value = given is PSObject wrapped ? wrapped.BaseObject : given;
        return new InventoryValue(
            value switch
            {
                IDictionary table => new InventoryTable([.. table.Cast<DictionaryEntry>().Select(
                    e => KeyValuePair.Create($"{e.Key}", ToValue(e.Value, depth + 1)))]),
                IEnumerable list and not string => (InventoryValue[])[.. list.Cast<object?>().Select(e => ToValue(e, depth + 1))],
                SwitchParameter isSet => isSet.IsPresent,
                _ => value,
            }, 0);
    }
}
