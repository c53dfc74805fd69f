using System.Text;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// Enums are sent as text, because Dapper sends them as numbers and calls no handler for them: <c>MaintenanceWindow.OffPeak</c>
/// has the label <c>OFF_PEAK</c>. SQL casts a parameter (<c>@window::text::perf_monitoring.maintenance_window</c>) and reads a
/// column as text.
/// </summary>
internal static class EnumLabel
{
    /// <summary>The label of a member: its words in upper case, joined by underscores.</summary>
    public static string Of<T>(T value)
        where T : struct, Enum
    {
        var name = value.ToString();
        var label = new StringBuilder(name.Length + 4);
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i]))
            {
                label.Append('_');
            }

            label.Append(char.ToUpperInvariant(name[i]));
        }

        return label.ToString();
    }

    /// <summary>The member with a label.</summary>
    public static T Parse<T>(string label)
        where T : struct, Enum =>
            Enum.Parse<T>(label.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
}
