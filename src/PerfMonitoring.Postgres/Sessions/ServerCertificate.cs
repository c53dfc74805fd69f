using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// Verifies a server's certificate as libpq does (manual, 34.19.1), and reports which certificate has which fault. The driver's
/// own verification reports only that it failed.
/// </summary>
/// <param name="Roots">The trusted roots; null for those of the operating system.</param>
/// <param name="RootsName">The name of the roots in messages: the file's path, or the system's trusted roots.</param>
/// <param name="ChecksName">Whether the certificate must be issued for the host (verify-full).</param>
/// <param name="ChecksRevocation">Whether the issuer is asked if it revoked the certificate.</param>
/// <param name="WayOut">The setting that names a root certificate, for the remedy.</param>
internal sealed record ServerCertificate(
    X509Certificate2Collection? Roots, string RootsName, bool ChecksName, bool ChecksRevocation, string WayOut)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    /// <summary>Reads a file of trusted roots.</summary>
    /// <exception cref="PerfMonitoringException">RootCertificateInvalid.</exception>
    public static X509Certificate2Collection ReadRoots(string path, string wayOut)
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(path);
            if (roots.Count == 0)
            {
                // A file that is not PEM is one certificate in binary form.
                roots.Import(path);
            }
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new PerfMonitoringException(
                ErrorIds.RootCertificateInvalid, FailureKind.InvalidArgument,
                File.Exists(path)
                    ? $"The root certificate file {path} cannot be read: {e.Message.TrimEnd('.')}."
                    : $"The root certificate file {path} does not exist.",
                $"Name a readable file of certificates in PEM form ({wayOut}), or use sslrootcert=system with -SslMode "
                    + $"verify-full for the roots of the operating system.",
                path, e);
        }

        return roots;
    }

    /// <summary>Returns true, or throws the error that names the certificate's fault.</summary>
    /// <param name="host">The name that the user gave.</param>
    /// <param name="certificate">The certificate that the server sent; null if it sent none.</param>
    /// <param name="sent">The chain that was built from it; it contains the intermediate certificates.</param>
    /// <exception cref="PerfMonitoringException">ServerCertificateRefused.</exception>
    public bool Verify(string host, X509Certificate2? certificate, X509Chain? sent)
    {
        if (certificate is null)
        {
            throw Refused($"{host} sent no certificate", "Use a server with a certificate, or a weaker -SslMode.", host);
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = ChecksRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck;
        chain.ChainPolicy.RevocationFlag = X509RevocationFlag.ExcludeRoot;
        chain.ChainPolicy.DisableCertificateDownloads = !ChecksRevocation;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        if (Roots is not null)
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(Roots);
        }

        foreach (var element in sent?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        chain.ChainPolicy.ExtraStore.AddRange(sent?.ChainPolicy.ExtraStore ?? []);
        if (!chain.Build(certificate))
        {
            throw Explain(host, certificate, chain);
        }

        if (ChecksName && !(Uri.CheckHostName(host) != UriHostNameType.Unknown && certificate.MatchesHostname(host)))
        {
            var names = Names(certificate);
            throw Refused(
                $"The certificate of {host} is made out to {(names.Count == 0 ? "nobody" : string.Join(", ", names))}, not to "
                    + $"{host}: {Describe(certificate)}",
                "Connect by a name that it has, get a certificate with this name, or use -SslMode verify-ca, which does not "
                    + "look at the name.", host);
        }

        return true;
    }

    private PerfMonitoringException Explain(string host, X509Certificate2 certificate, X509Chain chain)
    {
        foreach (var element in chain.ChainElements)
        {
            var what = element.Certificate.Thumbprint == certificate.Thumbprint
                ? $"The certificate of {host}"
                : $"An issuer of the certificate of {host}";
            foreach (var status in element.ChainElementStatus)
            {
                switch (status.Status)
                {
                    case X509ChainStatusFlags.NotTimeValid when element.Certificate.NotAfter < DateTime.Now:
                        return Refused(
                            $"{what} expired on {Day(element.Certificate.NotAfter)}: {Describe(element.Certificate)}",
                            "Renew it on the server.", host);
                    case X509ChainStatusFlags.NotTimeValid:
                        return Refused(
                            $"{what} is not valid before {Day(element.Certificate.NotBefore)}: {Describe(element.Certificate)}",
                            "Check the clocks of both machines.", host);
                    case X509ChainStatusFlags.Revoked:
                        return Refused(
                            $"{what} was revoked by its issuer: {Describe(element.Certificate)}", "Get a new one for the server.",
                            host);
                    case X509ChainStatusFlags.RevocationStatusUnknown or X509ChainStatusFlags.OfflineRevocation:
                        return Refused(
                            $"{what} may be revoked: its issuer could not be asked: {Describe(element.Certificate)}",
                            "Let this machine reach the issuer's list of revoked certificates, or leave Check Certificate "
                                + "Revocation out.", host);
                }
            }
        }

        var last = chain.ChainElements[^1].Certificate;
        var statuses = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, s) => all | s.Status);
        return statuses switch
        {
            _ when statuses.HasFlag(X509ChainStatusFlags.UntrustedRoot) && last.Thumbprint == certificate.Thumbprint => Refused(
                $"The certificate of {host} is self-signed, and {RootsName} does not hold it: {Describe(certificate)}",
                $"Compare its thumbprint with the server's, save it as a PEM file and name that ({WayOut}).", host),
            _ when statuses.HasFlag(X509ChainStatusFlags.UntrustedRoot) => Refused(
                $"The certificate of {host} was issued under '{last.Subject}', which {RootsName} does not hold: "
                    + $"{Describe(certificate)}",
                $"Get the root certificate from whoever runs that issuer and name its file ({WayOut}).", host),
            _ when statuses.HasFlag(X509ChainStatusFlags.PartialChain) => Refused(
                $"The issuer '{last.Issuer}' of the certificate of {host} is unknown: {RootsName} does not hold it and the "
                    + $"server did not send it: {Describe(certificate)}",
                $"Get the issuer's root certificate and name its file ({WayOut}); intermediate certificates belong into the "
                    + $"server's ssl_cert_file.", host),
            _ => Refused(
                $"The certificate of {host} is not good "
                    + $"({string.Join(", ", chain.ChainStatus.Select(s => s.Status).Distinct())}): {Describe(certificate)}",
                "Get another one for the server.", host),
        };
    }

    private static List<string> Names(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.Where(e => e.Oid?.Value == "2.5.29.17")
            .Select(e => new X509SubjectAlternativeNameExtension(e.RawData))
            .SelectMany(e => e.EnumerateDnsNames().Concat(e.EnumerateIPAddresses().Select(a => a.ToString()))).ToList();
        return names.Count == 0 && certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) is { Length: > 0 } name
            ? [name] : names;
    }

    private static string Describe(X509Certificate2 certificate) =>
        $"subject '{certificate.Subject}', issuer '{certificate.Issuer}', SHA-1 thumbprint {certificate.Thumbprint}.";

    private static string Day(DateTime time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    private static PerfMonitoringException Refused(string message, string remedy, string host) =>
        new(ErrorIds.ServerCertificateRefused, FailureKind.ConnectionFailed, message.EndsWith('.') ? message : message + ".",
            remedy, host);
}
