using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PerfMonitoring.Common;

namespace PerfMonitoring.Configuration;

/// <summary>
/// A file with settings: one JSON object whose names are settings. It is read whole and replaced whole, so no reader sees half of
/// a change.
/// </summary>
internal sealed class ConfigurationFile
{
    /// <summary>Names another file for the user.</summary>
    public const string UserVariable = "PERFMONITORING_CONFIG";

    /// <summary>Names another file for the machine.</summary>
    public const string MachineVariable = "PERFMONITORING_MACHINE_CONFIG";

    // Far more than all settings take.
    private const int LargestFile = 1_000_000;

    private const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal ConfigurationFile(ConfigurationScope scope, string path) => (Scope, Path) = (scope, path);

    public ConfigurationScope Scope { get; }

    public string Path { get; }

    /// <summary>The file of a scope; null where the process has no home folder.</summary>
    public static ConfigurationFile? Of(ConfigurationScope scope)
    {
        var isUsers = scope == ConfigurationScope.User;
        if (Environment.GetEnvironmentVariable(isUsers ? UserVariable : MachineVariable) is { Length: > 0 } given)
        {
            return new ConfigurationFile(scope, System.IO.Path.GetFullPath(given));
        }

        var folder = isUsers ? Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData)
            : OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData)
            : OperatingSystem.IsMacOS() ? "/Library/Application Support" : "/etc";
        var name = OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? "PerfMonitoring" : "perfmonitoring";
        return folder.Length == 0 ? null
            : new ConfigurationFile(scope, System.IO.Path.Combine(folder, name, "configuration.json"));
    }

    /// <summary>What changes whenever the file does; null if there is none.</summary>
    /// <exception cref="PerfMonitoringException">ConfigurationUnreadable.</exception>
    public (DateTime Time, long Length, UnixFileMode Mode)? Stamp() => Access<(DateTime, long, UnixFileMode)?>(() =>
    {
        var path = Target();
        if (Directory.Exists(path))
        {
            throw Invalid("is a folder");
        }

        var file = new FileInfo(path);
        return file.Exists
            ? (file.LastWriteTimeUtc, file.Length, OperatingSystem.IsWindows() ? default : file.UnixFileMode) : null;
    });

    /// <summary>The values of the file by their names; empty if there is no file.</summary>
    /// <param name="whyForeign">The reason why the file's owner is not to be trusted, or null.</param>
    /// <exception cref="PerfMonitoringException">
    /// ConfigurationInvalid: it is no such file. ConfigurationUnreadable. ConfigurationUnsafe: others can change it.
    /// </exception>
    public IReadOnlyDictionary<string, JsonElement> Read(Func<string, string?> whyForeign) => Access(() =>
    {
        var values = new Dictionary<string, JsonElement>(StringComparer.OrdinalIgnoreCase);
        if (Stamp() is not { } stamp)
        {
            return values;
        }

        var path = Target();
        MustBeSafe(path, whyForeign);
        // A device has the length 0, and reading it might never end.
        using var document = stamp.Length is 0 or > LargestFile
            ? throw Invalid(stamp.Length == 0 ? "is empty" : "is larger than 1 MB") : Parse(File.ReadAllBytes(path));
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw Invalid("holds no JSON object");
        }

        foreach (var property in document.RootElement.EnumerateObject())
        {
            if (!values.TryAdd(property.Name, property.Value.Clone()))
            {
                throw Invalid($"has {property.Name} twice");
            }
        }

        return values;
    });

    /// <summary>
    /// Changes values and keeps all others, also where another process changes the file at the same time.
    /// </summary>
    /// <param name="changes">The new values; null removes one.</param>
    /// <param name="whyForeign">The reason why the file's owner is not to be trusted, or null.</param>
    /// <exception cref="PerfMonitoringException">
    /// As <see cref="Read"/>; ConfigurationBusy: another process holds it. ConfigurationNotWritten.
    /// </exception>
    public void Change(IReadOnlyDictionary<string, JsonNode?> changes, Func<string, string?> whyForeign) => Write(path =>
    {
        var all = new JsonObject();
        foreach (var (name, value) in Read(whyForeign)
            .Where(v => !changes.Keys.Contains(v.Key, StringComparer.OrdinalIgnoreCase)))
        {
            all[name] = JsonNode.Parse(value.GetRawText());
        }

        foreach (var (name, value) in changes.Where(c => c.Value is not null))
        {
            all[name] = value;
        }

        Replace(path, all);
    });

    /// <summary>Puts a file that cannot be used aside, under its name and .bak.</summary>
    /// <returns>Where it is now.</returns>
    /// <exception cref="PerfMonitoringException">ConfigurationBusy, ConfigurationNotWritten.</exception>
    public string PutAside()
    {
        Write(path => File.Move(path, path + ".bak", overwrite: true));
        return Target() + ".bak";
    }

    /// <summary>An error about the file.</summary>
    /// <param name="what">What is wrong with it, after its path.</param>
    /// <param name="remedy">The way out, or null for the usual one.</param>
    public PerfMonitoringException Invalid(string what, string? remedy = null) => new(
        ErrorIds.ConfigurationInvalid, FailureKind.InvalidArgument, $"The configuration file {Path} {what}.",
        remedy ?? $"Mend it, or put it aside: Set-PerfMonitoringConfiguration * -Reset -Scope {Scope}", Path);

    private void Replace(string path, JsonObject all)
    {
        var folder = System.IO.Path.GetDirectoryName(path)!;
        var draft = System.IO.Path.Combine(folder, $".{System.IO.Path.GetFileName(path)}.{Guid.NewGuid():N}");
        try
        {
            using (var stream = PrivateFile.Open(draft, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(Encoding.UTF8.GetBytes(all.ToJsonString(Indented) + "\n"));
                stream.Flush(flushToDisk: true);
            }

            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(
                    draft, File.Exists(path) ? File.GetUnixFileMode(path) : Scope == ConfigurationScope.User ? Mine
                        : Mine | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            }

            File.Move(draft, path, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }

    private JsonDocument Parse(byte[] bytes)
    {
        try
        {
            // The bytes of a mark that some editors write before UTF-8.
            var text = bytes.AsMemory(bytes is [0xEF, 0xBB, 0xBF, ..] ? 3 : 0);
            return JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 8 });
        }
        catch (JsonException e)
        {
            // The parser's text may quote what stands there.
            throw Invalid($"is no JSON: line {e.LineNumber + 1} cannot be read");
        }
    }

    // A file that is a link is replaced where it lies, so that the link stays.
    private string Target()
    {
        var file = new FileInfo(Path);
        return file.LinkTarget is null ? Path : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
    }

    private void MustBeSafe(string path, Func<string, string?> whyForeign)
    {
        if (PrivateFile.WhyUnsafe(path) is { } open)
        {
            throw Unsafe($"{open.Reason}, so it is not used", open.Remedy);
        }

        if (whyForeign(path) is { } foreign)
        {
            throw Unsafe($"{path} {foreign}, so it is not used", $"Let root or whoever runs this own it, or remove it: {path}");
        }

        PerfMonitoringException Unsafe(string what, string remedy) => new(
            ErrorIds.ConfigurationUnsafe, FailureKind.Security, $"The configuration is not safe: {what}.", remedy, Path);
    }

    private void Write(Action<string> change)
    {
        try
        {
            var path = Target();
            var folder = System.IO.Path.GetDirectoryName(path)!;
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
            }
            else if (!Directory.Exists(folder))
            {
                const UnixFileMode Enter = UnixFileMode.GroupRead | UnixFileMode.GroupExecute
                    | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
                var own = Mine | UnixFileMode.UserExecute;
                Directory.CreateDirectory(folder, Scope == ConfigurationScope.User ? own : own | Enter);
            }

            using var held = FileLock.Take(path, Patience) ?? throw new PerfMonitoringException(
                ErrorIds.ConfigurationBusy, FailureKind.Busy, $"Another process is changing the configuration file {Path}.",
                "Try again.", Path);
            change(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PerfMonitoringException(
                ErrorIds.ConfigurationNotWritten, FailureKind.PermissionDenied,
                $"The configuration file {Path} cannot be written: {e.Message}",
                Scope == ConfigurationScope.Machine
                    ? "Run this as root or administrator, or set it for yourself with -Scope User."
                    : $"Give yourself the right to write there, or name another file in {UserVariable}.", Path);
        }
    }

    private T Access<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PerfMonitoringException(
                ErrorIds.ConfigurationUnreadable, FailureKind.PermissionDenied,
                $"The configuration file {Path} cannot be read: {e.Message}",
                Scope == ConfigurationScope.Machine
                    ? $"Let all users read it (chmod a+r '{Path}'), or remove it."
                    : $"Give yourself the right to read it, remove it, or name another file in {UserVariable}.", Path);
        }
    }
}
