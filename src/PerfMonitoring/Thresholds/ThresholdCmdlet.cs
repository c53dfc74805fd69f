using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>A cmdlet that changes stored thresholds: objects from the pipeline, or ids.</summary>
public abstract class ThresholdCmdlet : ConnectedCmdlet
{
    /// <summary>The thresholds.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "InputObject")]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Ids of the thresholds.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Id")]
    public Guid[] Id { get; set; } = [];

    /// <inheritdoc/>
    internal override void ProcessItem()
    {
        foreach (var item in InputObject)
        {
            ForItem(item, () => Change(IdOf(item)));
        }

        foreach (var id in Id)
        {
            ForItem(id, () => Change(id));
        }
    }

    private protected abstract void Change(Guid id);

    // Only the object's id counts; the other values come from the store.
    private Guid IdOf(PSObject item)
    {
        var read = new PipelineObject(item, "a stored threshold", "Pipe what Get-PerformanceThreshold gives, or pass -Id.");
        read.MustBeOf(Connection.StoreTarget, nameof(PerformanceThreshold.Store), nameof(PerformanceThreshold.StoreIdentity));
        return read.Need<Guid>("Id");
    }
}
