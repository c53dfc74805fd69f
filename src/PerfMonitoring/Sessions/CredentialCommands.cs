using System.Management.Automation;
using System.Management.Automation.Runspaces;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>
/// Gets the credentials of an inventory. A command runs in the user's session, once for all servers that name it with the same
/// parameters. Its parameters are data: nothing of the file is parsed as code.
/// </summary>
internal sealed class CredentialCommands(CommandInvocationIntrinsics invoker)
{
    private readonly Dictionary<string, object> results = new(StringComparer.Ordinal);

    /// <summary>The credential; null without one.</summary>
    /// <exception cref="PerfMonitoringException">CredentialCommandFailed, InvalidInventory.</exception>
    public PSCredential? Get(InventoryCredential? credential)
    {
        if (credential is null)
        {
            return null;
        }

        if (credential.Command is null)
        {
            return credential.Given as PSCredential ?? throw new PerfMonitoringException(
                ErrorIds.InvalidInventory, FailureKind.InvalidArgument, $"{credential.Origin} is not a PSCredential.",
                "Pass the result of Get-Credential.", credential.Origin);
        }

        if (!results.TryGetValue(credential.Key, out var result))
        {
            try
            {
                result = Run(credential);
            }
            catch (PerfMonitoringException e)
            {
                result = e;
            }

            results.Add(credential.Key, result);
        }

        return result as PSCredential ?? throw (PerfMonitoringException)result;
    }

    private PSCredential Run(InventoryCredential credential)
    {
        // A script or a program of the path must not run because a file names it.
        var command = invoker.GetCommand(credential.Command, CommandTypes.Cmdlet | CommandTypes.Function)
            ?? throw Failed(
                credential, "is no cmdlet and no function of this session",
                "Import its module before Connect-PerfMonitoring, or correct the name.");
        IReadOnlyList<PSObject?> output;
        try
        {
            output = invoker.InvokeScript(
                "param($command, $parameters) $ErrorActionPreference = 'Stop'; & $command @parameters", useNewScope: true,
                PipelineResultTypes.None, null, command, credential.Parameters);
        }
        catch (RuntimeException e) when (e is not PipelineStoppedException)
        {
            throw Failed(credential, $"failed: {e.Message}", "Run it by hand to see what it lacks.", e);
        }

        return output is [{ BaseObject: PSCredential only }] ? only : throw Failed(
            credential, "gave something else than one PSCredential",
            "Let it give one PSCredential: for Get-Secret, store one with Set-Secret -Secret (Get-Credential).");
    }

    private static PerfMonitoringException Failed(
        InventoryCredential credential, string what, string remedy, Exception? inner = null) => new(
            ErrorIds.CredentialCommandFailed, FailureKind.PermissionDenied,
            $"{credential.Origin}: the command {credential.Command} {what}.", remedy, credential.Command, inner);
}
