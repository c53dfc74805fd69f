using System.Text;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// Enums cross as text, since Dapper sends them as numbers and asks no handler: <c>MaintenanceWindow.OffPeak</c> is the label
/// <c>OFF_PEAK</c>. In SQL a parameter is cast (<c>@window::text::perf_monitoring.maintenance_window</c>) and a column read as
/// text.
/// </summary>
internal static class EnumLabel
{
    /// <summary>The label of a member: words in upper case, joined by underscores.</summary>
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

    /// <summary>The member of a label.</summary>
    public static T Parse<T>(string label)
        where T : struct, Enum =>
        Enum.Parse<T>(label.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
}
