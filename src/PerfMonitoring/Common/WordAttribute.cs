using System.Collections;
using System.Globalization;
using System.Management.Automation;

namespace PerfMonitoring.Common;

/// <summary>
/// Reads the words of an enumeration. An unknown word becomes a value that <see cref="KnownWordAttribute"/> refuses. Otherwise
/// PowerShell loses the conversion error in a binding by position, and reports that there is no such parameter.
/// </summary>
/// <param name="type">The enumeration.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class WordAttribute(Type type) : ArgumentTransformationAttribute
{
    private const int Unknown = int.MinValue;

    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (value is null or not IEnumerable or string)
        {
            return value is null ? null : Read(value);
        }

        var read = ((IEnumerable)value).Cast<object?>().Select(Read).ToArray();
        var words = Array.CreateInstance(type, read.Length);
        for (var i = 0; i < read.Length; i++)
        {
            words.SetValue(read[i], i);
        }

        return words;
    }

    // Only one word, because .NET would combine the values of a list of words.
    private object Read(object? value)
    {
        value = value is PSObject wrapped ? wrapped.BaseObject : value;
        return (value is string text
            ? Enum.TryParse(type, text, ignoreCase: true, out var word) && !text.Contains(',', StringComparison.Ordinal)
            : LanguagePrimitives.TryConvertTo(value, type, CultureInfo.InvariantCulture, out word)) && Enum.IsDefined(type, word!)
            ? word!
            : Enum.ToObject(type, Unknown);
    }
}

/// <summary>Refuses a word that the enumeration does not have.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class KnownWordAttribute : ValidateArgumentsAttribute
{
    protected override void Validate(object arguments, EngineIntrinsics engineIntrinsics)
    {
        foreach (var word in (arguments as IEnumerable ?? new[] { arguments }).OfType<Enum>())
        {
            if (!Enum.IsDefined(word.GetType(), word))
            {
                throw new ValidationMetadataException(
                    $"It takes one of these words: {string.Join(", ", Enum.GetNames(word.GetType()))}.");
            }
        }
    }
}

/// <summary>
/// Reads a point in time. An unreadable value becomes one that no cmdlet accepts, for the same reason as in
/// <see cref="WordAttribute"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MomentAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        inputData is null || LanguagePrimitives.TryConvertTo<DateTimeOffset>(inputData, CultureInfo.InvariantCulture, out _)
            ? inputData
            : DateTimeOffset.MinValue;
}
