using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Terminal;

/// <summary>Texts that would control a terminal, and objects that are full of them.</summary>
internal static partial class Hostile
{
    /// <summary>
    /// A window title, a cleared screen, a moved cursor, a bell, a C1 control, a text that runs backwards, an invisible one.
    /// </summary>
    public const string Text = "\u001B]0;owned\a\u001B[2J\u001B[1;1H\r\n\t\b\u007F\u009B31m\u202Eevil\u2066\u200B\uFEFF\u2028";

    /// <summary>A hostile name of at most 63 bytes.</summary>
    /// <param name="stem">The start of the name.</param>
    public static string Name(string stem) => stem + "\u001B]0;x\a\u001B[2J\u009B1m\n\u202E\u200B";

    /// <summary>Fails if a text would control a terminal. Line feeds are allowed between lines.</summary>
    /// <param name="shown">The shown text.</param>
    public static void MustBeGone(string? shown) =>
        Assert.DoesNotMatch(Steering(), shown ?? "");

    /// <summary>Whether a text would control a terminal.</summary>
    /// <param name="shown">The shown text.</param>
    public static bool Steers(string? shown) => Steering().IsMatch(shown ?? "");

    /// <summary>An object of the type with a hostile value in each text.</summary>
    public static object Fill(Type type) => Value(type, 0)!;

    private static object? Value(Type type, int depth)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Value(underlying, depth);
        }

        if (type == typeof(string) || type == typeof(object))
        {
            return Text;
        }

        if (type.IsValueType)
        {
            return type == typeof(bool) ? true : type.IsPrimitive || type == typeof(decimal) ? Convert.ChangeType(7, type, null)
                : Activator.CreateInstance(type);
        }

        if (depth > 4)
        {
            return null;
        }

        if (type == typeof(Hashtable))
        {
            return new Hashtable { [Text] = Text };
        }

        if (type != typeof(string) && typeof(IEnumerable).IsAssignableFrom(type))
        {
            if (type.GetConstructor([typeof(IDictionary)]) is { } fromTable)
            {
                return fromTable.Invoke([new Hashtable { [Text] = Text }]);
            }

            var element = type.IsArray ? type.GetElementType()! : type.GetGenericArguments()[^1];
            if (type.IsGenericType && type.GetGenericArguments().Length == 2)
            {
                return new Dictionary<string, object?> { [Text] = Text };
            }

            var list = Array.CreateInstance(element, 1);
            list.SetValue(Value(element, depth + 1), 0);
            return type.IsAssignableFrom(list.GetType()) ? list : Activator.CreateInstance(type, list);
        }

        if (type.IsAbstract)
        {
            return null;
        }

        var made = RuntimeHelpers.GetUninitializedObject(type);
        foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public))
        {
            field.SetValue(made, Value(field.FieldType, depth + 1));
        }

        return made;
    }

    [GeneratedRegex(@"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}-[\n]]")]
    private static partial Regex Steering();
}
