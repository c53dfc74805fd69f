using System.Text.Json.Serialization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Usage;

/// <summary>What forbids the drop of an index.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DropBlockerCode>))]
public enum DropBlockerCode : long
{
    /// <summary>It is the primary key.</summary>
    PrimaryKey = 1,
    /// <summary>It enforces uniqueness.</summary>
    Unique,
    /// <summary>It enforces an exclusion constraint.</summary>
    Exclusion,
    /// <summary>A foreign key refers to it.</summary>
    ReferencedByForeignKey,
    /// <summary>Logical replication knows rows by it.</summary>
    ReplicaIdentity,
    /// <summary>Its table is clustered by it.</summary>
    Clustered,
    /// <summary>It is attached to the index of a partitioned table.</summary>
    Attached,
    /// <summary>It is the index of a partitioned table.</summary>
    Partitioned,
    /// <summary>Its table belongs to an extension.</summary>
    Extension,
    /// <summary>Somebody builds it at this moment.</summary>
    BeingBuilt,
    /// <summary>It is invalid.</summary>
    Invalid,
    /// <summary>Its table is locked exclusively, so not everything could be read.</summary>
    Locked,
    /// <summary>No other index serves a foreign key.</summary>
    ServesForeignKey,
    /// <summary>Nothing else has the statistics of an expression.</summary>
    ExpressionStatistics,
    /// <summary>The server does not count scans.</summary>
    NotTracked,
    /// <summary>The server is a standby: the primary's scans are not counted there.</summary>
    IsStandby,
    /// <summary>Standbys count their own scans and were not asked.</summary>
    StandbyNotAsked,
    /// <summary>A server has no statistics of the index.</summary>
    NoStatistics,
    /// <summary>The statistics do not reach back far enough, or it is unknown how far.</summary>
    StatisticsAge,
    /// <summary>The index is not there for long enough, or it is unknown for how long.</summary>
    IndexAge,
}

/// <summary>One reason why an index is not recommended for drop.</summary>
/// <param name="Code">What code looks at.</param>
/// <param name="Text">What people read: a sentence.</param>
public sealed record DropBlocker(DropBlockerCode Code, string Text)
{
    /// <summary>A blocker without a code and a sentence.</summary>
    public DropBlocker()
        : this(default, "")
    {
    }

    /// <summary>The sentence.</summary>
    public override string ToString() => VisibleText.Line(Text);
}
