namespace PerfMonitoring.Sessions;

/// <summary>A value of an inventory and where it stands.</summary>
/// <param name="Value">
/// A text, number, boolean or null; a list of <see cref="InventoryValue"/>; an <see cref="InventoryTable"/>; or an object that no
/// file can hold, such as a credential.
/// </param>
/// <param name="Line">Its line in the file, from 1; 0 if it is of no file.</param>
internal sealed record InventoryValue(object? Value, int Line)
{
    /// <summary>The elements of a list; a single value is a list of one.</summary>
    public IReadOnlyList<InventoryValue> Elements =>
        Value as IReadOnlyList<InventoryValue> ?? (Value is null ? [] : [this]);

    /// <summary>The kind of value in words, for an error. The value itself may be a secret.</summary>
    public string Kind => Value switch
    {
        null => "$null",
        string => "a text",
        bool => "$true or $false",
        InventoryTable => "a table",
        IReadOnlyList<InventoryValue> => "a list",
        int or long or decimal or double => "a number",
        _ => $"a {Value.GetType().Name}",
    };
}

/// <summary>The keys of a table, in the order of the file.</summary>
internal sealed class InventoryTable(IReadOnlyList<KeyValuePair<string, InventoryValue>> entries)
{
    public IReadOnlyList<KeyValuePair<string, InventoryValue>> Entries { get; } = entries;

    /// <summary>The value of a key; null without it. Case makes no difference.</summary>
    public InventoryValue? this[string key] =>
        Entries.FirstOrDefault(e => string.Equals(e.Key, key, StringComparison.OrdinalIgnoreCase)).Value;
}
