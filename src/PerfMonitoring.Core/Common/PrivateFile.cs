namespace PerfMonitoring.Common;

/// <summary>Files that steer the module or that it writes: nobody else may be able to change them.</summary>
internal static class PrivateFile
{
    private const UnixFileMode Writable = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Opens a file that no other handle has open. A new one can be read by its owner alone.</summary>
    public static FileStream Open(string path, FileMode mode, FileAccess access)
    {
        var options = new FileStreamOptions { Mode = mode, Access = access, Share = FileShare.None };
        if (!OperatingSystem.IsWindows() && mode is not (FileMode.Open or FileMode.Truncate))
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
    }

    /// <summary>
    /// The reason why others could change a file or put another one in its place, or null. Windows is not asked: its lists of
    /// rights are inherited, and a folder of the user is the user's.
    /// </summary>
    /// <returns>What is wrong, and the command that mends it.</returns>
    public static (string Reason, string Remedy)? WhyUnsafe(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return null;
        }

        if (File.Exists(path) && (File.GetUnixFileMode(path) & Writable) != 0)
        {
            return ($"{path} can be written by others than its owner", $"chmod go-w '{path}'");
        }

        var folder = Path.GetDirectoryName(path);
        return Directory.Exists(folder)
            && (File.GetUnixFileMode(folder) & (UnixFileMode.OtherWrite | UnixFileMode.StickyBit)) == UnixFileMode.OtherWrite
            ? ($"everybody can put another file in the place of {path}", $"chmod o-w '{folder}'")
            : null;
    }
}
