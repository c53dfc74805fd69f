using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(PerfMonitoring.Testing.LongestFirst))]

namespace PerfMonitoring.Testing;

/// <summary>Starts the classes that take longest before all others: started last, each would run alone at the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        "FaultTests", "QueryLogTests", "IndexBuilderTests", "VerifiedCreationTests", "RoleTests", "InvokeIndexCreationTests",
        "NightlyTests",
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(
        IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderByDescending(IsLong)];

    private static bool IsLong<TTestCollection>(TTestCollection collection)
        where TTestCollection : ITestCollection =>
        Longest.Any(name => collection.TestCollectionDisplayName.Contains(name, StringComparison.Ordinal));
}
