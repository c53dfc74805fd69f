using System.Management.Automation;

namespace PerfMonitoring.Common;

/// <summary>
/// Reads a credential as PowerShell's own attribute does (a user name asks for the password), but an empty cell of a file is no
/// credential and asks nobody.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class CredentialOrNothingAttribute : ArgumentTransformationAttribute
{
    private static readonly CredentialAttribute Usual = new();

    public override bool TransformNullOptionalParameters => false;

    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is null or "" or PSCredential
            ? (inputData as PSCredential) ?? (inputData as PSObject)?.BaseObject as PSCredential
            : Usual.Transform(engineIntrinsics, inputData);
}

/// <summary>Reads a TCP port; an empty cell of a file is none. The cmdlet refuses a number that is no port.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PortOrNothingAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is string text && string.IsNullOrWhiteSpace(text)
            ? null : inputData;
}
