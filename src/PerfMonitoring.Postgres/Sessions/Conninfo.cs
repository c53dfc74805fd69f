using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// libpq's two forms of a connection string: keywords and values, and a URI (manual, 34.1.1). No message repeats a value, or a
/// word that may be part of one, because any part of a connection string may be a password.
/// </summary>
internal static partial class Conninfo
{
    private static readonly string[] Schemes = ["postgresql://", "postgres://"];

    /// <summary>Whether a text is a PostgreSQL URI.</summary>
    public static bool IsUri(string text) => Schemes.Any(s => text.StartsWith(s, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a text has one of libpq's forms and not Npgsql's (<c>Host=a;Port=1</c>).</summary>
    /// <remarks>The separator between the first value and the second keyword decides.</remarks>
    public static bool IsLibpq(string text)
    {
        if (IsUri(text))
        {
            return true;
        }

        var first = FirstKeyword().Match(text);
        if (!first.Success || !LibpqKeyword.IsKnown(Folded(first.Groups[1].Value)))
        {
            return false;
        }

        var at = first.Length;
        // Npgsql's values may contain spaces, and Npgsql's manual writes its keywords with capitals.
        if (at < text.Length && text[at] == '"'
            || first.Groups[1].ValueSpan.ContainsAnyInRange('A', 'Z') && DriverKeyword().IsMatch(text, at))
        {
            return false;
        }

        if (at < text.Length && text[at] == '\'')
        {
            at = EndOfQuote(text, at);
        }

        for (; at < text.Length; at++)
        {
            if (text[at] == ';' && (at + 1 == text.Length || NextDriverKeyword().IsMatch(text, at + 1)))
            {
                return false;
            }

            if (text[at] == '\\')
            {
                at++;
            }
            else if (IsSpace(text[at]) && NextKeyword().Match(text, at) is { Success: true } next
                && LibpqKeyword.IsKnown(Folded(next.Groups[1].Value)))
            {
                return true;
            }
        }

        // One value, or a word that is not a keyword. The error names the word.
        return true;
    }

    private static int EndOfQuote(string text, int at)
    {
        for (at++; at < text.Length && text[at] != '\''; at++)
        {
            at += text[at] == '\\' ? 1 : 0;
        }

        return at + 1;
    }

    /// <summary>
    /// Whether a text that was given for something else (a host, a database) is a connection string of any kind.
    /// </summary>
    public static bool LooksLikeConnectionString(string text) =>
        text.Contains("://", StringComparison.Ordinal)
            || FirstKeyword().Match(text) is { Success: true } first && LibpqKeyword.IsKnown(Folded(first.Groups[1].Value))
        || Secret().IsMatch(text);

    /// <summary>Reads keywords and values, in the order of the text.</summary>
    /// <param name="text">Keywords and values, or a URI.</param>
    /// <param name="origin">The source of the text, for errors: -ConnectionString.</param>
    /// <exception cref="PerfMonitoringException">InvalidConnectionString.</exception>
    public static IReadOnlyList<KeyValuePair<string, string>> Parse(string text, string origin) =>
        IsUri(text) ? new UriReader(text, origin).Read() : ReadKeywords(text, origin);

    private static List<KeyValuePair<string, string>> ReadKeywords(string text, string origin)
    {
        var result = new List<KeyValuePair<string, string>>();
        var at = 0;
        while (true)
        {
            SkipSpace();
            if (at == text.Length)
            {
                return result;
            }

            var start = at;
            while (at < text.Length && text[at] != '=' && !IsSpace(text[at]))
            {
                at++;
            }

            var keyword = text[start..at];
            SkipSpace();
            if (at == text.Length || text[at] != '=')
            {
                throw Invalid(
                    origin, "a word in it is no keyword with a value (keyword=value)",
                    "Put values that hold spaces in single quotes.");
            }

            at++;
            SkipSpace();
            result.Add(new(Known(keyword, result, origin), ReadValue()));
        }

        void SkipSpace()
        {
            while (at < text.Length && IsSpace(text[at]))
            {
                at++;
            }
        }

        string ReadValue()
        {
            var value = new StringBuilder();
            var isQuoted = at < text.Length && text[at] == '\'';
            at += isQuoted ? 1 : 0;
            for (; at < text.Length; at++)
            {
                if (text[at] == '\\')
                {
                    // A backslash at the end escapes nothing.
                    if (++at == text.Length)
                    {
                        break;
                    }
                }
                else if (isQuoted ? text[at] == '\'' : IsSpace(text[at]))
                {
                    at++;
                    return value.ToString();
                }

                value.Append(text[at]);
            }

            return isQuoted
                ? throw Invalid(
                    origin, "a quote in it is not closed",
                    @"Write a quote or backslash that belongs to a value with a backslash before it: \' and \\.")
                : value.ToString();
        }
    }

    // The rest of an unquoted password with a space or an ampersand looks like a keyword, so the message does not repeat it.
    private static string Known(string keyword, List<KeyValuePair<string, string>> before, string origin)
    {
        var folded = Folded(keyword);
        return LibpqKeyword.IsKnown(folded)
            ? folded : throw LibpqKeyword.Unknown(keyword, before.Count > 0 ? before[^1].Key : null, origin);
    }

    private static string Folded(string keyword) => keyword.ToLowerInvariant();

    private static PerfMonitoringException Invalid(string origin, string what, string remedy) =>
        new(ErrorIds.InvalidConnectionString, FailureKind.InvalidArgument, $"{origin} cannot be read: {what}.", remedy, origin);

    // isspace() of the C locale.
    private static bool IsSpace(char c) => c is ' ' or (>= '\t' and <= '\r');

    private sealed class UriReader(string uri, string origin)
    {
        private const string Encode =
            "Write signs that have a meaning in a URI (: / ? # [ ] @ & = % and spaces) as % and two digits: @ is %40, / is %2F.";

        private readonly List<KeyValuePair<string, string>> result = [];
        private int at = uri.IndexOf("://", StringComparison.Ordinal) + 3;

        public List<KeyValuePair<string, string>> Read()
        {
            ReadUser();
            ReadHosts();
            if (Current == '/')
            {
                at++;
                var name = Until("?");
                // Otherwise a password with a slash would be taken for the name of a database, and shown.
                if (name.Contains('@', StringComparison.Ordinal))
                {
                    throw Invalid(origin, "there is an @ in the name of the database, or a / in user name or password", Encode);
                }

                Add("dbname", name);
            }

            if (Current == '?')
            {
                at++;
                ReadParameters();
            }

            return result;
        }

        private char Current => at < uri.Length ? uri[at] : '\0';

        private void ReadUser()
        {
            var end = uri.AsSpan(at).IndexOfAny('@', '/');
            if (end < 0 || uri[at + end] == '/')
            {
                return;
            }

            Add("user", Until(":@"));
            if (Current == ':')
            {
                at++;
                Add("password", Until("@"));
            }

            at++;
        }

        private void ReadHosts()
        {
            var (hosts, ports) = (new StringBuilder(), new StringBuilder());
            while (true)
            {
                if (Current == '[')
                {
                    at++;
                    var address = Until("]");
                    if (Current != ']' || address.Length == 0)
                    {
                        throw Invalid(
                            origin, "an IPv6 address in it is empty or its bracket is not closed", "Write it as [2001:db8::1].");
                    }

                    at++;
                    hosts.Append(address);
                    if (Current is not ('\0' or ':' or '/' or '?' or ','))
                    {
                        throw Invalid(origin, "something stands behind an IPv6 address", "Write it as [2001:db8::1]:5432.");
                    }
                }
                else
                {
                    hosts.Append(Until(":/?,"));
                }

                if (Current == ':')
                {
                    at++;
                    ports.Append(Until("/?,"));
                }

                if (Current != ',')
                {
                    break;
                }

                at++;
                hosts.Append(',');
                ports.Append(',');
            }

            // Otherwise the end of a password with an @ would be taken for a host, and shown.
            if (hosts.ToString().Contains('@', StringComparison.Ordinal)
                || ports.ToString().Contains('@', StringComparison.Ordinal))
            {
                throw Invalid(origin, "there is more than one @ before the host", Encode);
            }

            Add("host", hosts.ToString());
            Add("port", ports.ToString());
        }

        private void ReadParameters()
        {
            // The text after the last ampersand may be empty.
            foreach (var parameter in (uri.EndsWith('&') ? uri[at..^1] : uri[at..]).Split('&'))
            {
                if (at >= uri.Length - 1)
                {
                    return;
                }

                var parts = parameter.Split('=');
                if (parts.Length != 2)
                {
                    throw Invalid(origin, "a parameter behind the ? is not written as keyword=value", Encode);
                }

                var (keyword, value) = (Decode(parts[0]), Decode(parts[1]));
                // The spelling of JDBC.
                if (keyword == "ssl" && value == "true")
                {
                    (keyword, value) = ("sslmode", "require");
                }

                result.Add(new(Known(keyword, result, origin), value));
            }
        }

        private void Add(string keyword, string value)
        {
            if (value.Length > 0)
            {
                result.Add(new(keyword, Decode(value)));
            }
        }

        private string Until(string ends)
        {
            var length = uri.AsSpan(at).IndexOfAny(ends);
            var text = length < 0 ? uri[at..] : uri.Substring(at, length);
            at += text.Length;
            return text;
        }

        private string Decode(string text)
        {
            if (!text.Contains('%', StringComparison.Ordinal))
            {
                return text;
            }

            var bytes = new List<byte>(text.Length);
            for (var i = 0; i < text.Length; i++)
            {
                if (text[i] != '%')
                {
                    var length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
                    bytes.AddRange(Encoding.UTF8.GetBytes(text, i, length));
                    i += length - 1;
                }
                else if (i + 2 < text.Length
                    && byte.TryParse(
                        text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
                    && value != 0)
                {
                    bytes.Add(value);
                    i += 2;
                }
                else
                {
                    throw Invalid(
                        origin, "a % in it is not followed by the two hexadecimal digits of a character",
                        "Write a percent sign as %25.");
                }
            }

            try
            {
                return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString([.. bytes]);
            }
            catch (DecoderFallbackException)
            {
                // The cause would quote the bytes.
                throw Invalid(
                    origin, "what its percent signs encode is not UTF-8",
                    "Encode characters beyond ASCII as UTF-8: é is %C3%A9.");
            }
        }
    }

    [GeneratedRegex(@"^\s*([A-Za-z_]+)\s*=[ \t-\r]*", RegexOptions.CultureInvariant)]
    private static partial Regex FirstKeyword();

    [GeneratedRegex(@"\G\s+([A-Za-z_]+)\s*=", RegexOptions.CultureInvariant)]
    private static partial Regex NextKeyword();

    [GeneratedRegex(@";\s*[A-Za-z_][A-Za-z_ ]*=", RegexOptions.CultureInvariant)]
    private static partial Regex DriverKeyword();

    [GeneratedRegex(@"\G\s*(?:$|[A-Za-z_][A-Za-z_ ]*=)", RegexOptions.CultureInvariant)]
    private static partial Regex NextDriverKeyword();

    [GeneratedRegex(
        @"\b(?:password|pwd|psw|passfile|user ?name|user ?id|uid)\s*=", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Secret();
}
