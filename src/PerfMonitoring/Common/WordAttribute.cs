using System.Collections;
using System.Globalization;
using System.Management.Automation;

namespace PerfMonitoring.Common;

/// <summary>
/// Reads the words of an enumeration. A word that is none becomes a value that <see cref="KnownWordAttribute"/> refuses:
/// PowerShell forgets an error of conversion where it binds by position, and says that there is no such parameter.
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

    // One word only: to .NET a list of words would be a sum.
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

/// <summary>Refuses what is no word of an enumeration.</summary>
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
/// Reads a point in time. What is none becomes one that no cmdlet takes, for the reason that <see cref="WordAttribute"/> gives.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MomentAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        inputData is null || LanguagePrimitives.TryConvertTo<DateTimeOffset>(inputData, CultureInfo.InvariantCulture, out _)
            ? inputData
            : DateTimeOffset.MinValue;
}
