using System.Globalization;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>How many rows the chosen values of the parameters select.</summary>
internal enum ValueFrequency
{
    /// <summary>None, or as few as possible: the least common values, and ranges beyond all values.</summary>
    Rare,
    /// <summary>As many as usual: values of median frequency, and narrow ranges.</summary>
    Typical,
    /// <summary>Many: the most common values, and wide ranges.</summary>
    Heavy,
}

/// <summary>Chooses one value for each parameter of a statement.</summary>
/// <param name="reading">The places of the parameters.</param>
/// <param name="values">Finds the values of a column; null where nothing is known.</param>
/// <param name="frequency">How many rows the values select.</param>
internal sealed class ParameterChoice(
    ParameterReading reading, Func<ParameterTarget, ColumnValues?> values, ValueFrequency frequency)
{
    // Number of elements of a list: the length that the planner assumes for an array of unknown length (estimate_array_length()).
    private const int ArrayLength = 10;

    // A number, a text, true, a document and a search word; where a type does not accept it, the server refuses the plan.
    private const string Any = "1";

    private const double Day = 86400;

    // The arguments of make_interval(), in seconds: years, months, weeks, days, hours, minutes, seconds.
    private static readonly double[] IntervalParts = [365.25 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1];

    private readonly Dictionary<int, string?> chosen = [];
    private readonly Dictionary<ColumnValues, int> places = [];
    private readonly double now = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).TotalSeconds;

    // What a time is moved by, in seconds, so that it stays beyond the last value until the planner sees it.
    private double beyond;

    /// <summary>Chooses the values; null where a parameter has no known value but its value matters.</summary>
    /// <param name="parameters">Number of parameters.</param>
    public IReadOnlyList<string?>? Choose(int parameters)
    {
        foreach (var (number, value) in reading.Fixed)
        {
            chosen[number] = value;
        }

        foreach (var fact in reading.Facts.OrderBy(Order))
        {
            if (!Solve(fact))
            {
                return null;
            }
        }

        var arguments = new string?[parameters];
        for (var number = 1; number <= parameters; number++)
        {
            if (reading.Ambiguous.Contains(number))
            {
                return null;
            }

            if (!chosen.TryGetValue(number, out arguments[number - 1]))
            {
                if (!reading.Harmless.Contains(number) && !reading.IsUnused(number))
                {
                    return null;
                }

                arguments[number - 1] = reading.Harmless.Contains(number) ? Any : null;
            }
        }

        return arguments;
    }

    // A parameter in several comparisons gets its value from the most specific one. A date in a validity period ("valid_from
    // <= $1 and valid_to >= $1") is in the range of the later column. Single parameters come before expressions of several.
    private static int Order(ParameterFact fact)
    {
        var rank = (fact.Target, fact.Operator) switch
        {
            (null, _) => 6,
            (_, "=") => 0,
            (_, "= ANY") => 1,
            (_, ">" or ">=") => 2,
            (_, "<" or "<=") => 3,
            _ => 4,
        };
        return rank + (fact.Value.Parameters().Count() > 1 && fact.Value.AsArray() is null ? 10 : 0);
    }

    private bool Solve(ParameterFact fact)
    {
        beyond = 0;
        if (fact.Target is null || values(fact.Target) is not { } column)
        {
            // Without statistics the planner ignores the value.
            foreach (var number in fact.Value.Parameters())
            {
                chosen.TryAdd(number, Any);
            }

            return true;
        }

        var elements = fact.Value.AsArray();
        switch (fact.Operator)
        {
            case "<>":
                return Solve(
                    fact.Value, Cased(frequency == ValueFrequency.Rare ? column.Heavy() : column.Typical(), fact.Target), column);
            case "=":
                return Solve(fact.Value, Cased(Next(column), fact.Target), column);
            case "= ANY" or "<> ALL" when elements is not null:
                return elements.All(e => !e.Parameters().Any() || Solve(e, Cased(Next(column), fact.Target), column));
            case "= ANY" or "<> ALL":
                var list = Enumerable.Range(0, ArrayLength).Select(_ => Cased(Next(column), fact.Target)).OfType<string>()
                    .Distinct(StringComparer.Ordinal).ToList();
                return list.Count > 0 && Solve(fact.Value, ArrayText(list), column);
            case "<" or "<=" or ">" or ">=":
                return Solve(fact.Value, Bound(column, fact.Target, fact.Operator), column);
            case "~~" or "~~*" or "!~~" or "!~~*":
                return Beginning(fact.Value, Cased(BeginningOf(column), fact.Target), "%");
            case "^@":
                return Beginning(fact.Value, Cased(BeginningOf(column), fact.Target), "");
            case "has":
                return Element(column) is { } held && Solve(fact.Value, held, column);
            case "@>" or "&&" or "<@" when column.Category == "A":
                return Element(column) is { } element && Solve(fact.Value, ArrayText([element]), column);
            case "@@" when column.TypeName == "tsvector":
                return Element(column) is { } word && fact.Value.Parameters().ToList() is [var number] && Set(number, word);
            default:
                return false;
        }
    }

    // Each parameter of a column gets a different value.
    private string? Next(ColumnValues column)
    {
        var place = places.GetValueOrDefault(column);
        places[column] = place + 1;
        return frequency switch
        {
            ValueFrequency.Rare => column.Rare(place) ?? column.Rare(),
            ValueFrequency.Heavy => column.Heavy(place) ?? column.Heavy(),
            _ => column.Typical(place) ?? column.Typical(),
        };
    }

    private string? Element(ColumnValues column) => column.CommonElements.ElementAtOrDefault(frequency switch
    {
        ValueFrequency.Rare => column.CommonElements.Count - 1,
        ValueFrequency.Heavy => 0,
        _ => column.CommonElements.Count / 2,
    });

    // No value begins with a longer text than the values themselves.
    private string? BeginningOf(ColumnValues column) => column.Beginning() is not { } beginning ? null
        : frequency == ValueFrequency.Rare ? column.Typical() + beginning : beginning;

    // Both bounds: the newest twentieth, or the half in the middle. One bound: the outermost twentieth, or half of the rows. A
    // rare range lies beyond the last value.
    private string? Bound(ColumnValues column, ParameterTarget target, string name)
    {
        var isLower = name[0] == '>';
        var hasOther = reading.Bounded.Contains((target.Alias, target.Column, !isLower));
        // A page begins anywhere in the order; what it finds, the other conditions decide.
        var isPage = reading.HasLimit && reading.Ordered.Contains(target.Column) && reading.Facts.Exists(
            f => f.Target is { } other && !reading.Ordered.Contains(other.Column));
        if (frequency == ValueFrequency.Rare && !isPage)
        {
            beyond = isLower || hasOther ? Day : -Day;
            return column.Quantile(isLower || hasOther ? 1 : 0);
        }

        var share = (isPage ? ValueFrequency.Heavy : frequency, isLower, hasOther) switch
        {
            (ValueFrequency.Typical, true, _) => 0.95,
            (ValueFrequency.Typical, false, true) => 1,
            (ValueFrequency.Typical, false, false) => 0.05,
            (_, true, true) => 0.25,
            (_, false, true) => 0.75,
            (_, _, false) => 0.5,
        };
        // Nothing is greater than the greatest value.
        return column.Quantile(share, mayBeLast: name != ">", mayBeFirst: name != "<");
    }

    // Sets the parameters of an expression so that it has this value.
    private bool Solve(PlanExpression expression, string? value, ColumnValues column)
    {
        if (value is null)
        {
            return false;
        }

        if (expression.AsParameter() is { } number)
        {
            return Set(number, reading.Types.TryGetValue(number, out var type) && IsWhole(type) ? Whole(value, column) : value);
        }

        if (expression.AsCast() is var (operand, cast))
        {
            // "price = ($1)::numeric": a parameter that is cast to a number usually has a type without fractions.
            return Solve(
                operand,
                column.Category == "N" && cast is "numeric" or "double precision" or "real" ? Whole(value, column) : value,
                column);
        }

        if (expression.AsCall() is ("COALESCE" or "lower" or "upper" or "btrim", [var argument, ..]))
        {
            return Solve(argument, value, column);
        }

        if (expression.AsCall() is ("date_trunc", [var field, var moment, ..]))
        {
            return (field.AsParameter() is not { } f || chosen.ContainsKey(f)) && Solve(moment, value, column);
        }

        if (expression.AsOperation() is not var (left, name, right) || name is not ("+" or "-")
            || column.Measure(value) + beyond is not { } wanted)
        {
            return expression.Parameters().All(chosen.ContainsKey);
        }

        if (!right.Parameters().Any())
        {
            // An added constant changes the value only slightly.
            return Solve(left, value, column);
        }

        if (IsNow(left))
        {
            return column.Category == "D" && Span(right, name == "-" ? now - wanted : wanted - now, column);
        }

        if (left.Parameters().All(chosen.ContainsKey) && left.AsParameter() is { } known)
        {
            return column.Measure(chosen[known]!) is { } start
                && Span(right, name == "-" ? start - wanted : wanted - start, column);
        }

        return Solve(left, value, column) && Span(right, 0, column);
    }

    // A difference: seconds for times, a number for numbers.
    private bool Span(PlanExpression expression, double difference, ColumnValues column)
    {
        if (expression.AsParameter() is { } number)
        {
            var type = reading.Types.GetValueOrDefault(number, "");
            return Set(number, column.Category == "N" ? Number(Math.Round(difference))
                : IsWhole(type) ? Number(Math.Round(difference / 86400))
                : Number(Math.Round(difference)) + " seconds");
        }

        if (expression.AsCast() is var (operand, cast))
        {
            // "($1 || ' days')::interval"
            return cast == "interval" && operand.AsOperation() is (var count, "||", var unit) && unit.AsString() is { } word
                && SecondsOf(word.Trim()) is { } seconds
                ? Count(count, Math.Round(difference / seconds))
                : Span(operand, difference, column);
        }

        if (expression.AsOperation() is (var factor, "*", var measure))
        {
            if (measure.AsString() is { } text && SecondsOf(text) is { } one)
            {
                return Count(factor, difference / one);
            }

            if (factor.AsString() is { } first && SecondsOf(first) is { } other)
            {
                return Count(measure, difference / other);
            }

            return measure.AsParameter() is { } unit && Set(unit, column.Category == "N" ? "1" : "1 day")
                && Count(factor, column.Category == "N" ? difference : difference / 86400);
        }

        if (expression.AsCall() is ("make_interval", { Count: 7 } parts) && parts.Count(p => p.Parameters().Any()) == 1)
        {
            var unit = parts.TakeWhile(p => !p.Parameters().Any()).Count();
            return Count(parts[unit], Math.Round(difference / IntervalParts[unit]));
        }

        return expression.Parameters().All(chosen.ContainsKey);
    }

    private bool Count(PlanExpression expression, double count) =>
        expression.AsCast() is var (operand, _) ? Count(operand, count)
        : expression.AsParameter() is { } number
        ? Set(number, Number(IsWhole(reading.Types.GetValueOrDefault(number, "")) ? Math.Round(count) : count))
        : expression.Parameters().All(chosen.ContainsKey);

    // "name like $1", "name like $1 || '%'"
    private bool Beginning(PlanExpression expression, string? beginning, string end)
    {
        if (beginning is null)
        {
            return false;
        }

        if (expression.AsParameter() is { } number)
        {
            return Set(number, (end.Length == 0 ? beginning
                : beginning.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal)
                    .Replace("_", @"\_", StringComparison.Ordinal)) + end);
        }

        if (expression.AsCast() is var (operand, _))
        {
            return Beginning(operand, beginning, end);
        }

        if (expression.AsCall() is ("lower" or "upper", [var argument]))
        {
            return Beginning(argument, beginning, end);
        }

        return expression.AsOperation() is (var left, "||", var right)
            && (!left.Parameters().Any() || Beginning(left, beginning, ""))
            && (!right.Parameters().Any() || Joined(right, left, beginning));
    }

    // In "$1 || $2" the second parameter is the wildcard.
    private bool Joined(PlanExpression right, PlanExpression left, string beginning) =>
        left.Parameters().Any()
            ? right.AsParameter() is { } number
            ? Set(number, "%") : right.AsCast() is var (operand, _) && Joined(operand, left, beginning)
        : Beginning(right, beginning, "");

    // The first comparison with a value decides.
    private bool Set(int number, string? value)
    {
        chosen.TryAdd(number, value);
        return true;
    }

    private static string? Cased(string? value, ParameterTarget target) => target.Function switch
    {
        "lower" => value?.ToLowerInvariant(),
        "upper" => value?.ToUpperInvariant(),
        _ => value,
    };

    private static string Whole(string value, ColumnValues column) =>
        column.Category == "N" && value.Contains('.', StringComparison.Ordinal) && column.Measure(value) is { } number
            ? Number(Math.Truncate(number)) : value;

    private static bool IsWhole(string type) =>
        type is "int" or "integer" or "bigint" or "smallint" or "int2" or "int4" or "int8";

    private static bool IsNow(PlanExpression expression) =>
        expression.AsCast() is var (operand, _) ? IsNow(operand)
        : expression.ToSql() is "now()" or "CURRENT_DATE" or "CURRENT_TIMESTAMP" or "LOCALTIMESTAMP" or "statement_timestamp()"
            or "clock_timestamp()" or "transaction_timestamp()";

    private static double? SecondsOf(string unit) => unit switch
    {
        "00:00:01" or "1 second" or "1 sec" or "second" or "seconds" or "secs" => 1,
        "00:01:00" or "1 minute" or "minute" or "minutes" or "mins" => 60,
        "01:00:00" or "1 hour" or "hour" or "hours" => 3600,
        "1 day" or "day" or "days" => 86400,
        "7 days" or "1 week" or "week" or "weeks" => 7 * 86400,
        "1 mon" or "1 month" or "mon" or "month" or "months" => 30 * 86400,
        "1 year" or "year" or "years" => 365.25 * 86400,
        _ => null,
    };

    private static string Number(double value) => value.ToString("0.######", CultureInfo.InvariantCulture);

    private static string ArrayText(IEnumerable<string> elements) => "{" + string.Join(',', elements.Select(e =>
        "\"" + e.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"")) + "}";
}
