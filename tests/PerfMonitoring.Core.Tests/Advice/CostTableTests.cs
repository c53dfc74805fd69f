using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Advice;

public sealed class CostTableTests
{
    // Today's plan reads o for 50 and c for 20; index 1 reads o for 10 in another join order, index 2 reads c for 5.
    private static CostTable Table() => new(Plan(100, [], [Read("o", 50), Read("c", 20)]), 1);

    [Fact]
    public void An_access_takes_the_place_of_another_of_its_slot()
    {
        var table = Table();
        table.Add([1], Plan(40, [1], [Read("o", 10, 1), Read("c", 20)]));
        table.Add([2], Plan(85, [2], [Read("o", 50), Read("c", 5, 2)]));

        Assert.Equal(
            ["1,2=25 composed", "1=40", "2=85", "=100"],
            table.Compose().Select(c => $"{string.Join(',', c.Used)}={c.Cost}{(c.IsComposed ? " composed" : "")}"));
    }

    [Fact]
    public void What_the_planner_contradicts_does_not_follow()
    {
        var table = Table();
        table.Add([1], Plan(40, [1], [Read("o", 10, 1), Read("c", 20)]));
        table.Add([2], Plan(85, [2], [Read("o", 50), Read("c", 5, 2)]));
        table.Add([1, 2], Plan(40, [1], [Read("o", 10, 1), Read("c", 20)]));

        Assert.DoesNotContain(table.Compose(), c => c.IsComposed);
    }

    [Fact]
    public void What_was_best_among_more_is_best_among_fewer_only_if_the_planner_would_show_it_again()
    {
        var table = new CostTable(Plan(100, [], []), 1);
        // After its correction it costs more than the plan of today; without 1 the planner may still prefer 2.
        table.Add([1, 2], Plan(110, [1], []));

        Assert.Equal(100, table.Find([1])!.Cost);
        Assert.Null(table.Find([2]));
    }

    private static PlanAccess Read(string slot, double cost, params int[] used) => new(slot, used, cost, cost, 0);

    private static Configuration Plan(double cost, int[] used, PlanAccess[] accesses) =>
        new(used, cost) { Skeleton = new PlanSkeleton(cost, [], accesses) };
}
