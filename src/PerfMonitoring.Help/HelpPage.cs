namespace PerfMonitoring.Help;

/// <summary>The help of one cmdlet.</summary>
public sealed record HelpPage
{
    public required string Name { get; init; }

    public required string Synopsis { get; init; }

    public required IReadOnlyList<HelpSyntax> Syntax { get; init; }

    public required string Description { get; init; }

    public required IReadOnlyList<HelpExample> Examples { get; init; }

    public required IReadOnlyList<HelpParameter> Parameters { get; init; }

    public required IReadOnlyList<HelpType> Inputs { get; init; }

    public required IReadOnlyList<HelpType> Outputs { get; init; }

    public required string Notes { get; init; }

    public required IReadOnlyList<HelpLink> Links { get; init; }
}

/// <summary>A parameter set, with its syntax as on the page.</summary>
public sealed record HelpSyntax(string SetName, bool IsDefault, string Text);

/// <summary>An example: its title, its commands (without their output), and its remarks.</summary>
public sealed record HelpExample(string Title, string Code, string Remarks);

/// <summary>An input or output type.</summary>
public sealed record HelpType(string Name, string Description);

/// <summary>A related page; the address is null for another cmdlet of the module.</summary>
public sealed record HelpLink(string Text, string? Address);

/// <summary>A parameter.</summary>
public sealed record HelpParameter
{
    public required string Name { get; init; }

    public required string Description { get; init; }

    public required string Type { get; init; }

    public string DefaultValue { get; init; } = "";

    public bool SupportsWildcards { get; init; }

    public IReadOnlyList<string> Aliases { get; init; } = [];

    public IReadOnlyList<string> AcceptedValues { get; init; } = [];

    public required IReadOnlyList<HelpParameterSet> Sets { get; init; }
}

/// <summary>A parameter's properties in one set; the name is (All) if it is in all sets.</summary>
public sealed record HelpParameterSet
{
    public const string All = "(All)";

    public required string Name { get; init; }

    public string Position { get; init; } = "Named";

    public bool IsRequired { get; init; }

    public bool ValueFromPipeline { get; init; }

    public bool ValueFromPipelineByPropertyName { get; init; }

    public bool ValueFromRemainingArguments { get; init; }
}
