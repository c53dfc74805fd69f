using System.Text.RegularExpressions;
using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>What the condition of a partial index says of one column, as far as its text shows.</summary>
/// <param name="IsNull">The column is null; false where it is not null; null where both are possible.</param>
/// <param name="Values">The number of values that the condition allows; null where it gives no list.</param>
/// <param name="IsLimited">Whether the condition limits the values in another way, such as a range.</param>
internal readonly record struct PartialCondition(bool? IsNull, int? Values, bool IsLimited)
{
    /// <summary>The condition on a column.</summary>
    /// <param name="where">The condition of the index; null for none.</param>
    /// <param name="column">The name of the column, unquoted.</param>
    public static PartialCondition On(string? where, string column)
    {
        var result = default(PartialCondition);
        if (where is null || column.Length == 0 || where.Contains(" OR ", StringComparison.OrdinalIgnoreCase))
        {
            return result;
        }

        const RegexOptions Options = RegexOptions.IgnoreCase | RegexOptions.CultureInvariant;
        var name = $"(?<![\\w\".$]){Regex.Escape(Identifier.Quote(column))}(?![\\w\".$(])";
        foreach (var term in Regex.Split(where, @"\s+AND\s+", Options).Where(t => Regex.IsMatch(t, name, Options)))
        {
            if (Regex.IsMatch(term, name + @"\)*\s+IS\s+(NOT\s+)?NULL", Options))
            {
                result = result with { IsNull = !Regex.IsMatch(term, @"\sIS\s+NOT\s+NULL", Options) };
                continue;
            }

            // A column that is compared is not null; IS NOT TRUE and the like may be.
            var mayBeNull = Regex.IsMatch(term, @"\sIS\s+(NOT|DISTINCT)\s", Options);
            var cast = name + @"\)*(::[\w ""]+(\(\d+\))?)?\)*";
            var list = Regex.Match(term, cast + @"\s*(=\s*ANY\s|IN\s)(?<list>.*)", Options);
            result = result with
            {
                IsNull = result.IsNull ?? (mayBeNull ? null : false),
                Values = list.Success ? list.Groups["list"].Value.Count(c => c == ',') + 1
                    : Regex.IsMatch(term, cast + @"\s*=[^>]", Options)
                    || Regex.IsMatch(term, @"^[\s(]*(NOT\s+)?\(*" + name + @"\)*(\s+IS\s+(NOT\s+)?(TRUE|FALSE))?[\s)]*$", Options)
                    ? 1 : result.Values,
                IsLimited = true,
            };
        }

        return result;
    }
}
