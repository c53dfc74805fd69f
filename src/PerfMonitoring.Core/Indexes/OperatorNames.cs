namespace PerfMonitoring.Indexes;

/// <summary>Facts that follow from the name of an operator.</summary>
internal static class OperatorNames
{
    /// <summary>The operator with the same meaning when its sides are exchanged; null where none is known.</summary>
    public static string? Mirrored(string name) => name switch
    {
        "=" or "<>" or "&&" or "@@" or "-|-" or "%" => name,
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        "@>" => "<@",
        "<@" => "@>",
        "<<" => ">>",
        ">>" => "<<",
        "<<=" => ">>=",
        ">>=" => "<<=",
        _ => null,
    };
}
