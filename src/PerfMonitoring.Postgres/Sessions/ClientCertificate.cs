using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>Checks a client certificate and its key as libpq does, before the driver reads them.</summary>
internal static class ClientCertificate
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Throws if the certificate and the key cannot be used.</summary>
    /// <param name="certificate">The certificate's file.</param>
    /// <param name="key">The key's file; not read if the certificate is a .pfx file.</param>
    /// <param name="password">The password of an encrypted key, or null.</param>
    /// <exception cref="PerfMonitoringException">ClientCertificateInvalid, PrivateKeyExposed.</exception>
    public static void Check(string certificate, string key, string? password)
    {
        var isPfx = string.Equals(Path.GetExtension(certificate), ".pfx", StringComparison.OrdinalIgnoreCase);
        var secret = isPfx ? certificate : key;
        foreach (var (path, what) in ((string, string)[])[(certificate, "client certificate"), (secret, "private key")])
        {
            if (!File.Exists(path))
            {
                throw Invalid($"The {what} file {path} does not exist.", "Check sslcert and sslkey (PGSSLCERT, PGSSLKEY).", path);
            }
        }

        if (IsExposed(secret))
        {
            throw new PerfMonitoringException(
                ErrorIds.PrivateKeyExposed, FailureKind.InvalidArgument,
                $"The private key file {secret} has group or world access.",
                "Give it permissions u=rw (0600) or less if you own it, u=rw,g=r (0640) or less if root does: chmod 600 "
                    + secret,
                secret);
        }

        try
        {
            using var loaded = isPfx ? new X509Certificate2(certificate, password)
                : string.IsNullOrEmpty(password) ? X509Certificate2.CreateFromPemFile(certificate, key)
                : X509Certificate2.CreateFromEncryptedPemFile(certificate, password, key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw Invalid(
                $"The client certificate {certificate} cannot be used with the private key {secret}: {e.Message.TrimEnd('.')}.",
                "Check that both are in PEM form and belong together; the password of an encrypted key goes into sslpassword.",
                certificate);
        }
    }

    private static bool IsExposed(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        var others = File.GetUnixFileMode(path) & Others;
        return others != 0 && !(others == UnixFileMode.GroupRead && IsOwnedByRoot(path));
    }

    // .NET does not report a file's owner. On a system without statx only mode 0600 is accepted.
    private static bool IsOwnedByRoot(string path)
    {
        var status = new byte[256];
        try
        {
            return OperatingSystem.IsLinux() && Statx(-100, path, 0, 0x8, status) == 0 && BitConverter.ToUInt32(status, 20) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    // AT_FDCWD, STATX_UID and the offset of stx_uid are part of the kernel's interface.
    [DllImport("libc", EntryPoint = "statx", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Statx(int folder, string path, int flags, uint mask, byte[] status);

    private static PerfMonitoringException Invalid(string message, string remedy, string path) =>
        new(ErrorIds.ClientCertificateInvalid, FailureKind.InvalidArgument, message, remedy, path);
}
