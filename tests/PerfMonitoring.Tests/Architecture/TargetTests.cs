using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Architecture;

/// <summary>Rows of several sessions can be told apart, because each object says its database.</summary>
public sealed class TargetTests
{
    public static TheoryData<Type> Written =>
        [.. typeof(ConnectedCmdlet).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(PSCmdlet)) && !t.IsAbstract)
            .SelectMany(t => t.GetCustomAttributes(typeof(OutputTypeAttribute), inherit: false).Cast<OutputTypeAttribute>())
            .SelectMany(a => a.Type).Select(t => t.Type).Where(t => t != typeof(void) && t != typeof(bool)).Distinct()];

    [Theory]
    [MemberData(nameof(Written))]
    public void Every_object_that_a_cmdlet_writes_says_its_database(Type type) =>
        Assert.Equal(typeof(ServerTarget), type.GetProperty("Target")?.PropertyType);
}
