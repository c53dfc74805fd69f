using System.Diagnostics;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>A file system of 128 kB in memory, for user postgres.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Mounts it; returns null if that is not possible.</summary>
    public static SmallDisk? TryMount(string folder)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return null;
        }

        Directory.CreateDirectory(folder);
        return Run("mount -t tmpfs -o size=128k,mode=0700,uid=$(id -u postgres) tmpfs \"$1\"", folder)
            ? new SmallDisk(folder) : null;
    }

    // Detaches it at once, although the server has it open.
    public void Dispose() => Run("umount -l \"$1\"", Folder);

    private static bool Run(string script, string folder)
    {
        using var process = Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", script, "sh", folder]) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
