using PerfMonitoring.Common;

namespace PerfMonitoring.Plans;

/// <summary>One word of an expression.</summary>
internal readonly record struct PlanToken(PlanTokenKind Kind, string Text, bool SpaceBefore)
{
    /// <summary>Takes an expression apart.</summary>
    public static List<PlanToken> ReadAll(string text)
    {
        var tokens = new List<PlanToken>();
        var lexer = new SqlLexer(text);
        var end = 0;
        while (lexer.Read())
        {
            var token = new PlanToken(KindOf(lexer), lexer.Text.ToString(), lexer.Start > end);
            // A sign belongs to its number where an operand is expected.
            if (lexer.Kind == SqlTokenKind.Number && !token.SpaceBefore && tokens is [.., { Text: "-" } sign]
                && (tokens.Count == 1 || tokens[^2].Kind == PlanTokenKind.Operator || tokens[^2].Text is "(" or ","))
            {
                tokens[^1] = new PlanToken(PlanTokenKind.Constant, "-" + token.Text, sign.SpaceBefore);
            }
            else
            {
                tokens.Add(token);
            }

            end = lexer.End;
        }

        return tokens;
    }

    private static PlanTokenKind KindOf(in SqlLexer lexer) => lexer.Kind switch
    {
        SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier => PlanTokenKind.Word,
        SqlTokenKind.Literal or SqlTokenKind.Number or SqlTokenKind.Parameter => PlanTokenKind.Constant,
        SqlTokenKind.Punctuation when lexer.Text is "(" or ")" or "[" or "]" or "," or "." => PlanTokenKind.Punctuation,
        _ => PlanTokenKind.Operator,
    };
}

/// <summary>The kind of a word in an expression.</summary>
internal enum PlanTokenKind
{
    /// <summary>A name, quoted or not, or a keyword.</summary>
    Word,
    /// <summary>A string, a number or a parameter.</summary>
    Constant,
    /// <summary>An operator.</summary>
    Operator,
    /// <summary>A parenthesis, bracket, comma or dot.</summary>
    Punctuation,
}
