using System.Management.Automation;

namespace PerfMonitoring.Commands;

/// <summary>Reads a number that comes as a text, such as a field of a CSV file. PowerShell would take 0,95 for 95.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NumberAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is string text
            ? PipelineObject.Number(TypeCode.Decimal, text)
                ?? throw new ArgumentTransformationMetadataException($"'{text}' is not a number: write it with a point and without separators, such as 0.95.")
            : inputData;
}
