using System.Text.Json;
using PerfMonitoring.Advice;
using PerfMonitoring.Plans;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Common;

/// <summary>Plans of any depth are read or refused; they never end the process.</summary>
public class PlanJsonTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(70)]
    [InlineData(200)]
    public void A_deep_plan_is_read(int nodes)
    {
        Assert.Equal(nodes, PlanNode.Parse(Plan(nodes, "a")).All().Count());
        Assert.Equal(["i"], PlanSummary.Read(Plan(nodes, "a")).Indexes);
    }

    [Theory]
    [InlineData(300, "a")]
    [InlineData(100_000, "a")]
    public void One_that_is_too_deep_is_refused(int nodes, string condition) => MustBeRefused(Plan(nodes, condition));

    [Theory]
    [InlineData(500)]
    [InlineData(1_000_000)]
    public void So_is_a_condition_with_too_many_brackets(int brackets) =>
        MustBeRefused(Plan(2, new string('(', brackets) + "a" + new string(')', brackets)));

    [Fact]
    public void A_condition_of_some_hundred_brackets_is_read()
    {
        const int Brackets = 390;
        var use = PlanReader.Read(
            PlanNode.Parse(Plan(1, new string('(', Brackets) + "a = 1" + new string(')', Brackets))), "select 1");

        Assert.NotNull(use);
    }

    [Fact]
    public void What_is_no_plan_is_said_to_be_none() =>
        Assert.ThrowsAny<JsonException>(() => PlanNode.Parse("[Utility Statement]"));

    private static void MustBeRefused(string json)
    {
        Assert.Equal("PlanTooDeep", Assert.Throws<PerfMonitoringException>(() => PlanNode.Parse(json)).ErrorId);
        Assert.Equal("PlanTooDeep", Assert.Throws<PerfMonitoringException>(() => PlanSummary.Read(json)).ErrorId);
    }

    private static string Plan(int nodes, string condition)
    {
        const string Node =
            "{\"Node Type\": \"Index Scan\", \"Index Name\": \"i\", \"Total Cost\": 1.0, \"Startup Cost\": 0.0, \"Plan "
                + "Rows\": 1, \"Filter\": ";
        var text = JsonSerializer.Serialize(condition);
        return "[{\"Plan\": " + string.Concat(Enumerable.Repeat($"{Node}{text}, \"Plans\": [", nodes - 1)) + Node + text + "}"
            + string.Concat(Enumerable.Repeat("]}", nodes - 1)) + "}]";
    }
}
