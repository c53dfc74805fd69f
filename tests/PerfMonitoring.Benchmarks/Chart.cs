using System.Globalization;
using System.Net;
using System.Text;

namespace PerfMonitoring.Benchmarks;

/// <summary>A line of a chart.</summary>
/// <param name="Name">Its label.</param>
/// <param name="Points">The points, in the order in which they are connected.</param>
/// <param name="IsOurs">Whether it is drawn in the accent colour.</param>
internal sealed record Series(string Name, IReadOnlyList<(double X, double Y)> Points, bool IsOurs);

/// <summary>An axis: linear between two round numbers, or by decades.</summary>
internal sealed record Axis(string Title, bool IsLogarithmic = false, double? From = null, string Format = "#,0.##");

/// <summary>A chart of lines as SVG, for light and dark pages.</summary>
internal sealed class Chart(string title, Axis x, Axis y)
{
    private const double Left = 70, Top = 50, Width = 560, Height = 330, Right = 210, Bottom = 60;

    // Colours that people with red-green colour blindness can tell apart (Okabe and Ito, 2008).
    private static readonly string[] Colours = ["#e69f00", "#009e73", "#cc79a7", "#d55e00", "#8c8c8c", "#56b4e9", "#b8a800"];

    public string Draw(IReadOnlyList<Series> lines)
    {
        var points = lines.SelectMany(l => l.Points).ToList();
        var (across, acrossTicks) = Scale(x, points.Select(p => p.X));
        var (up, upTicks) = Scale(y, points.Select(p => p.Y));
        double X(double value) => Left + (Width * across(value));
        double Y(double value) => Top + (Height * (1 - up(value)));

        var svg = new StringBuilder();
        svg.AppendLine(
                CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Left + Width + Right} {Top + Height + Bottom}\" "
                + $"font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">");
        svg.AppendLine(CultureInfo.InvariantCulture, $"<title>{Text(title)}</title>");
        svg.AppendLine(
                CultureInfo.InvariantCulture,
            $"<style>.page{{fill:#ffffff}} .ink{{fill:#24292f}} .faint{{fill:#57606a}} .grid{{stroke:#d0d7de}} "
                + $".ours{{stroke:#0b62c4;fill:#0b62c4}} @media (prefers-color-scheme:dark){{.page{{fill:#0d1117}} "
                + $".ink{{fill:#e6edf3}} .faint{{fill:#9da7b3}} .grid{{stroke:#30363d}} "
                + $".ours{{stroke:#58a6ff;fill:#58a6ff}}}} polyline{{fill:none}} text{{stroke:none}}</style>");
        svg.AppendLine(CultureInfo.InvariantCulture, $"<rect class=\"page\" width=\"100%\" height=\"100%\"/>");
        svg.AppendLine(
            CultureInfo.InvariantCulture,
            $"<text class=\"ink\" x=\"{Left}\" y=\"26\" font-size=\"16\" font-weight=\"600\">{Text(title)}</text>");
        foreach (var tick in upTicks)
        {
            svg.AppendLine(
                CultureInfo.InvariantCulture,
                $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Left + Width}\" y1=\"{Y(tick):F1}\" y2=\"{Y(tick):F1}\"/><text "
                    + $"class=\"faint\" x=\"{Left - 8}\" y=\"{Y(tick) + 4:F1}\" text-anchor=\"end\">{Number(tick, y)}</text>");
        }

        foreach (var tick in acrossTicks)
        {
            svg.AppendLine(
                CultureInfo.InvariantCulture,
                $"<line class=\"grid\" x1=\"{X(tick):F1}\" x2=\"{X(tick):F1}\" y1=\"{Top}\" y2=\"{Top + Height}\"/><text "
                    + $"class=\"faint\" x=\"{X(tick):F1}\" y=\"{Top + Height + 18}\" "
                    + $"text-anchor=\"middle\">{Number(tick, x)}</text>");
        }

        svg.AppendLine(
                CultureInfo.InvariantCulture,
            $"<text class=\"faint\" x=\"{Left + (Width / 2)}\" y=\"{Top + Height + 42}\" "
                + $"text-anchor=\"middle\">{Text(x.Title)}</text>");
        svg.AppendLine(
                CultureInfo.InvariantCulture,
            $"<text class=\"faint\" transform=\"translate(18 {Top + (Height / 2)}) rotate(-90)\" "
                + $"text-anchor=\"middle\">{Text(y.Title)}</text>");

        // Our line is drawn last, over the others, and named first.
        foreach (var line in lines.OrderBy(l => l.IsOurs))
        {
            svg.AppendLine(CultureInfo.InvariantCulture, $"<g {Colour(lines, line)}>");
            if (line.Points.Count > 1)
            {
                svg.AppendLine(
                    CultureInfo.InvariantCulture,
                        $"<polyline style=\"fill:none\" stroke-width=\"{(line.IsOurs ? 3 : 1.6)}\" "
                            + $"points=\"{string.Join(' ', line.Points.Select(p => Invariant($"{X(p.X):F1},{Y(p.Y):F1}")))}\"/>");
            }

            foreach (var point in line.Points)
            {
                svg.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"<circle cx=\"{X(point.X):F1}\" cy=\"{Y(point.Y):F1}\" r=\"{(line.IsOurs ? 4.5 : 3.5)}\"/>");
            }

            svg.AppendLine(CultureInfo.InvariantCulture, $"</g>");
        }

        var row = Top + 5;
        foreach (var line in lines.OrderByDescending(l => l.IsOurs))
        {
            svg.AppendLine(
                CultureInfo.InvariantCulture,
                $"<g {Colour(lines, line)}><circle cx=\"{Left + Width + 26}\" cy=\"{row}\" r=\"4.5\"/></g>");
            svg.AppendLine(
                CultureInfo.InvariantCulture,
                $"<text class=\"ink\" x=\"{Left + Width + 38}\" "
                    + $"y=\"{row + 4}\"{(line.IsOurs ? " font-weight=\"600\"" : "")}>{Text(line.Name)}</text>");
            row += 21;
        }

        svg.AppendLine(CultureInfo.InvariantCulture, $"</svg>");
        return svg.ToString();
    }

    private static string Colour(IReadOnlyList<Series> lines, Series line)
    {
        var colour = Colours[Math.Max(0, lines.Where(l => !l.IsOurs).ToList().IndexOf(line)) % Colours.Length];
        return line.IsOurs ? "class=\"ours\"" : Invariant($"style=\"stroke:{colour};fill:{colour}\"");
    }

    // The position of a value between the axis' ends, 0 to 1, and the labelled values.
    private static (Func<double, double> Place, List<double> Ticks) Scale(Axis axis, IEnumerable<double> values)
    {
        var all = values.ToList();
        if (axis.IsLogarithmic)
        {
            var (first, last) = (Math.Floor(Math.Log10(all.Min())), Math.Ceiling(Math.Log10(all.Max())));
            last = Math.Max(last, first + 1);
            return (v => (Math.Log10(v) - first) / (last - first),
                [.. Enumerable.Range((int)first, (int)(last - first) + 1).Select(e => Math.Pow(10, e))]);
        }

        var from = axis.From ?? all.Min();
        var rough = Math.Max(all.Max() - from, 1e-9) / 6;
        var unit = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = unit * new[] { 1, 2, 5, 10 }.First(m => unit * m >= rough);
        from = Math.Floor(from / step) * step;
        var count = (int)Math.Ceiling(((all.Max() - from) / step) - 1e-9);
        return (v => (v - from) / (step * count), [.. Enumerable.Range(0, count + 1).Select(i => from + (i * step))]);
    }

    private static string Number(double value, Axis axis) => value.ToString(axis.Format, CultureInfo.InvariantCulture);

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
