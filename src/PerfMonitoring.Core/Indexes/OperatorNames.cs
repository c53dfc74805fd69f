namespace PerfMonitoring.Indexes;

/// <summary>What the names of operators say of them.</summary>
internal static class OperatorNames
{
    /// <summary>The operator that says the same with its sides exchanged; null where none is known to do so.</summary>
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
