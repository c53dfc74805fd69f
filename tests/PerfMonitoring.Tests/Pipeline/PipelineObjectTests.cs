using System.Globalization;
using System.Management.Automation;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Pipeline;

/// <summary>
/// Tests every cmdlet that changes something, with objects of every shape, of its own database and of another one.
/// </summary>
public sealed class PipelineObjectTests(TwinDatabases twins) : IClassFixture<TwinDatabases>
{
    // The sources, commands and undo scripts of the table; {0} is the session of the object.
    private static readonly Case[] Cases =
    [
        new("Invoke-IndexCreation", "New-IndexStrategy -TableName items -Column status -IndexName wanted -Session {0}",
            "Invoke-IndexCreation")
        {
            Undo = "drop index if exists wanted; update perf_monitoring.index_strategy set is_created = false where "
                + "index_name = 'wanted'",
        },
        new("Invoke-IndexRemoval", "Get-IndexUsageStat -IndexName spare -Session {0}", "Invoke-IndexRemoval -Force") {
            Undo = Spare },
        new("Invoke-IndexRemoval of a strategy", "Get-IndexStrategy -IndexName faster -Session {0}", "Invoke-IndexRemoval -Force")
        {
            UndoScript =
                "$null = New-IndexStrategy items id, customer_id -IndexName faster -Session here | Invoke-IndexCreation "
                    + "-Session here -Confirm:$false",
        },
        new("Undo-IndexRemoval of a result", "Invoke-IndexRemoval spare -Force -Confirm:$false -Session {0}",
            "Undo-IndexRemoval") { Undo = Spare },
        new(
            "Undo-IndexRemoval of an action",
            "$null = Invoke-IndexRemoval spare -Force -Confirm:$false -Session {0}; @(Get-IndexStrategyHistory -Action Drop "
                + "-IndexName spare -Session {0})[0]", "Undo-IndexRemoval")
        {
            Undo = Spare,
        },
        new("Undo-IndexCreation", "Test-IndexStrategy -Session {0} | Where-Object IndexName -eq slower", "Undo-IndexCreation")
        {
            Few = ["IndexStrategyId", "TableName", "IndexName", "Verdict"],
            UndoScript =
                "$null = New-IndexStrategy orders customer_id -IndexName slower -Session here | Invoke-IndexCreation -Session "
                    + "here -Confirm:$false",
        },
        new("Undo-IndexCreation of what helped", "Test-IndexStrategy -Session {0} | Where-Object IndexName -eq faster",
            "Undo-IndexCreation") { Changes = false },
        new("Set-IndexStrategy", "Get-IndexStrategy -IndexName faster -Session {0}",
            "Set-IndexStrategy -MaintenanceWindow Weekend"),
        new("Remove-IndexStrategy", "Get-IndexStrategy -IndexName faster -Session {0}", "Remove-IndexStrategy")
        {
            Undo = "update perf_monitoring.index_strategy set is_active = true where index_name = 'faster'",
        },
        new("Update-IndexUsageStat", "Get-IndexUsageStat -IndexName faster -Session {0}", "Update-IndexUsageStat")
        {
            Undo = "truncate perf_monitoring.index_usage_stats cascade",
        },
        new("Set-PerformanceThreshold", "Get-PerformanceThreshold -Session {0}", "Set-PerformanceThreshold -Critical 9"),
        new("Remove-PerformanceThreshold", "Get-PerformanceThreshold -Session {0}", "Remove-PerformanceThreshold")
        {
            Undo = "update perf_monitoring.performance_threshold set is_active = true where metric_type = 'DEADLOCK_COUNT'",
        },
        new("New-IndexStrategy of a slow query", "Get-SlowQuery -Like '*items where customer_id*' -Top 1 -Session {0}",
            "New-IndexStrategy -WarningAction Ignore")
        {
            // A text with its fingerprint counts as a typed statement.
            Few = ["Query", "QueryHash", "Calls"],
            Refused = (shape, isHere) => shape == Shape.SelectFew || isHere ? null : "OtherDatabase",
            Undo = "delete from perf_monitoring.index_strategy where not is_created",
        },
        new("New-IndexStrategy of a strategy", "New-IndexStrategy -TableName items -Column status -IndexName wanted -Session {0}",
            "New-IndexStrategy -UsagePattern Sort")
        {
            Act = "New-IndexStrategy",
            Changes = null,
            Refused = (shape, isHere) =>
                shape == Shape.SelectFew
                ? "ColumnMissing" : isHere ? null : "OtherDatabase",
        },

        // Values that are valid for every database, because they refer to no object of one database.
        new(
            "New-PerformanceThreshold",
            "$t = New-PerformanceThreshold ConnectionCount 80 90 -Session {0}; $t | Remove-PerformanceThreshold -Session {0} "
                + "-Confirm:$false; $t", "New-PerformanceThreshold")
        {
            Refused = (shape, _) => shape == Shape.SelectFew ? "InputObjectMissingMandatory" : null,
            Undo = "delete from perf_monitoring.performance_threshold where metric_type = 'CONNECTION_COUNT'",
        },
        new("Set-MaintenanceWindow", "Get-MaintenanceWindow Weekend -Session {0}", "Set-MaintenanceWindow")
        {
            Refused = (shape, _) => shape is Shape.Table or Shape.SelectFew ? "InputObjectNotBound" : null,
            Undo = "truncate perf_monitoring.maintenance_schedule",
        },
    ];

    private const string Spare = "create index if not exists spare on orders (status, id)";

    private readonly ModuleRunspace session = twins.Session;

    public static TheoryData<string, Shape, bool> Cells =>
        [
            .. from c in Cases
               from shape in Enum.GetValues<Shape>()
               from isHere in new[] { true, false }
               where shape is not (Shape.Table or Shape.SelectAll)
                   || c.Name is "Invoke-IndexRemoval" or "Remove-PerformanceThreshold" or "Set-MaintenanceWindow"
               select (c.Name, shape, isHere),
        ];

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task An_object_of_any_type_does_what_the_live_one_does_or_is_refused(string name, Shape shape, bool isHere)
    {
        var cell = Array.Find(Cases, c => c.Name == name)!;
        var live = session.Invoke(string.Format(null, cell.Source, isHere ? "here" : "there")).Only();
        var (here, there) = await twins.FingerprintAsync();

        var result = session.Invoke($"$args[0] | {cell.Act} -Session here", Shapes.Of(live, shape, cell.Few));

        var (hereNow, thereNow) = await twins.FingerprintAsync();
        await UndoAsync(cell);
        Assert.Equal(there, thereNow);
        if (cell.Refused(shape, isHere) is { } error)
        {
            var refusal = Assert.Single(result.AllErrors);
            Assert.Equal(error, refusal.FullyQualifiedErrorId.Split(',')[0]);
            Assert.True(
                error.StartsWith("InputObject", StringComparison.Ordinal) || refusal.ErrorDetails.RecommendedAction.Length > 0);
            Assert.Equal(here, hereNow);
        }
        else
        {
            result.MustSucceed();
            Assert.True(cell.Changes is not { } changes || changes == (here != hereNow), $"changed: {here != hereNow}");
        }
    }

    [Theory]
    [InlineData(Shape.Clixml)]
    [InlineData(Shape.Job)]
    [InlineData(Shape.Csv)]
    [InlineData(Shape.Json)]
    [InlineData(Shape.Table)]
    [InlineData(Shape.SelectAll)]
    public void A_session_comes_out_of_no_file(Shape shape)
    {
        var lost = Shapes.Of(session.Invoke("Get-PerfMonitoringSession here").Only(), shape);

        foreach (var command in new[] {
            "Get-IndexStrategy -Session $args[0]", "Invoke-IndexCreation -Pending -Session $args[0]",
            "Get-IndexUsageStat -Replica $args[0]", "$args[0] | Disconnect-PerfMonitoring" })
        {
            var error = Assert.Single(session.Invoke(command, lost).AllErrors);
            Assert.Equal("SessionNotLive", error.FullyQualifiedErrorId.Split(',')[0]);
            Assert.Contains("Connect-PerfMonitoring", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        }

        Assert.Equal(2, session.Invoke("Get-PerfMonitoringSession").Output.Count);
    }

    [Theory]
    [InlineData("Improved", null)]
    [InlineData("Regressed", "VerdictChanged")]
    [InlineData("3", "ObjectUnreadable")]
    [InlineData("Splendid", "ObjectUnreadable")]
    [InlineData("7", "ObjectUnreadable")]
    [InlineData("", "ObjectIncomplete")]
    public async Task A_verdict_in_a_file_is_no_proof(string verdict, string? error)
    {
        var before = await twins.FingerprintAsync();
        var live = session.Invoke("Test-IndexStrategy -Session here | Where-Object IndexName -eq faster").Only();

        var result = session.Invoke(
            "$args[0] | Undo-IndexCreation -Session here -Confirm:$false",
            Shapes.With(Shapes.Of(live, Shape.Csv), ("Verdict", verdict)));

        Assert.Equal(
            error, result.AllErrors.Count == 0 ? null : Assert.Single(result.AllErrors).FullyQualifiedErrorId.Split(',')[0]);
        Assert.Equal(before, await twins.FingerprintAsync());
    }

    [Theory]
    [InlineData("DatabaseIdentity", "", "ObjectIncomplete")]
    [InlineData("DatabaseIdentity", "1/2", "OtherDatabase")]
    [InlineData("Target", "elsewhere:5432/other", "OtherDatabase")]
    [InlineData("Target", "no address", "OtherDatabase")]
    [InlineData("IndexName", "slower", "IndexChanged")]
    [InlineData("IndexName", "", "ObjectIncomplete")]
    [InlineData("TableName", "public.items", "IndexChanged")]
    [InlineData("IndexOid", "4294967295", "IndexChanged")]
    [InlineData("IndexOid", "-1", "ObjectUnreadable")]
    [InlineData("IndexOid", "1.5", "ObjectUnreadable")]
    [InlineData("IndexOid", "x", "ObjectUnreadable")]
    [InlineData("IndexOid", "", "IndexNotFound")]
    public async Task A_row_that_was_edited_drops_nothing(string property, string value, string error)
    {
        var before = await twins.FingerprintAsync();
        var live = session.Invoke("Get-IndexUsageStat -IndexName spare -Session here").Only();

        var result = session.Invoke(
            "$args[0] | Invoke-IndexRemoval -Force -Session here -Confirm:$false",
            Shapes.With(Shapes.Of(live, Shape.Csv), (property, value)));

        Assert.Equal(error, Assert.Single(result.AllErrors).FullyQualifiedErrorId.Split(',')[0]);
        Assert.Equal(before, await twins.FingerprintAsync());
    }

    [Theory]
    [InlineData("IndexDefinition", "CREATE INDEX CONCURRENTLY wanted ON public.items USING btree (id)", "StrategyChanged")]
    [InlineData("MaintenanceWindow", "Weekend", "StrategyChanged")]
    [InlineData("IsStored", "False", "StrategyNotStored")]
    [InlineData("Id", "", "ObjectIncomplete")]
    [InlineData("Id", "wanted", "ObjectUnreadable")]
    [InlineData("Id", "00000000-0000-0000-0000-000000000000", "StrategyNotFound")]
    public async Task A_strategy_that_is_another_one_than_in_the_store_is_not_built(string property, string value, string error)
    {
        var live = session.Invoke("New-IndexStrategy -TableName items -Column status -IndexName wanted -Session here").Only();
        var before = await twins.FingerprintAsync();

        var result = session.Invoke(
            "$args[0] | Invoke-IndexCreation -Session here -Confirm:$false",
            Shapes.With(Shapes.Of(live, Shape.Csv), (property, value)));

        Assert.Equal(error, Assert.Single(result.AllErrors).FullyQualifiedErrorId.Split(',')[0]);
        Assert.Equal(before, await twins.FingerprintAsync());
    }

    [Theory]
    [InlineData("Calls", "1,5", "de-DE", 1.5)]
    [InlineData("Calls", "1.5", "de-DE", 1.5)]
    [InlineData("Calls", "1,5", "", null)]
    [InlineData("Calls", "1.234,5", "de-DE", null)]
    [InlineData("Calls", "-1", "", null)]
    [InlineData("Calls", "NaN", "", null)]
    [InlineData("Calls", "many", "", null)]
    [InlineData("Calls", "", "", 1.0)]
    [InlineData("MeanTimeMs", "", "", 2.0)]
    [InlineData("MeanTimeMs", "x", "", null)]
    [InlineData("Since", "soon", "", null)]
    [InlineData("QueryHash", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", null)]
    [InlineData("Query", "select id from items where customer_id = $1", "", null)]
    [InlineData("Query", "", "", null)]
    public async Task A_slow_query_from_a_file_is_read_to_the_digit_or_refused(
        string property, string value, string culture, double? weight)
    {
        var live = session.Invoke("Get-SlowQuery -Like '*items where customer_id*' -Top 1 -Session here").Only();
        // Export-Csv writes in the culture of its session.
        CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
        var row = Shapes.With(Shapes.Of(live, Shape.Csv), (property, value), ("Calls", "2"));

        var result = session.Invoke(
            "[cultureinfo]::CurrentCulture = $args[1]; try { $args[0] | New-IndexStrategy -Session here -WhatIf "
                + "-WarningAction Ignore } finally { [cultureinfo]::CurrentCulture = '' }",
            row, culture);

        if (weight is null)
        {
            Assert.Contains(
                Assert.Single(result.AllErrors).FullyQualifiedErrorId.Split(',')[0],
                new[] { "ObjectUnreadable", "ObjectIncomplete", "QueryHashMismatch" });
        }
        else
        {
            Assert.Equal(weight, session.Invoke("$args[0].Impacts[0].Weight", result.Only()).Only().BaseObject);
        }

        await UndoAsync(Cases[0]);
    }

    [Theory]
    [InlineData("0,95", "de-DE", 0.95)]
    [InlineData("0.95", "de-DE", 0.95)]
    [InlineData("0,95", "", null)]
    [InlineData("much", "", null)]
    public void A_limit_with_a_decimal_comma_is_not_a_hundred_times_as_much(string text, string culture, double? limit)
    {
        var row = new PSObject();
        foreach (var (name, value) in new[] {
            ("MetricType", "CacheHitRatio"), ("Warning", text), ("Critical", "0.5"), ("Unit", "Ratio") })
        {
            row.Properties.Add(new PSNoteProperty(name, value));
        }

        foreach (var command in new[] { "New-PerformanceThreshold -WhatIf", "Test-PerformanceThreshold -SampleInterval 1s" })
        {
            var result = session.Invoke(
                $"[cultureinfo]::CurrentCulture = $args[1]; try {{ $args[0] | {command} -Session here }} finally {{ "
                    + $"[cultureinfo]::CurrentCulture = '' }}", row, culture);
            if (limit is null)
            {
                Assert.NotEmpty(result.AllErrors);
                Assert.Empty(result.Output);
            }
            else if (command.StartsWith("Test", StringComparison.Ordinal))
            {
                Assert.Equal((decimal)limit, result.Only().Properties["Warning"].Value);
            }
            else
            {
                Assert.Contains(
                    "warning 0.95,", result.MustSucceed().HostText.Replace("0,95", "0.95", StringComparison.Ordinal),
                    StringComparison.Ordinal);
            }
        }
    }

    private async Task UndoAsync(Case cell)
    {
        if (cell.UndoScript is { } script
            && await twins.RunAsync(
                twins.Here, "select count(*) from pg_indexes where indexname in ('slower', 'faster')") is not 2L)
        {
            session.Invoke(script).MustSucceed();
            await twins.RunAsync(
                twins.Here,
                "delete from perf_monitoring.index_action where action <> 'CREATE' and index_name in ('slower', 'faster');"
                + TwinDatabases.PutBuildsIntoTheLog);
        }

        foreach (var database in cell.Undo is null ? [] : new[] { twins.Here, twins.There })
        {
            await twins.RunAsync(database, cell.Undo!);
        }
    }

    /// <summary>A row of the table, for one cmdlet.</summary>
    /// <param name="Name">Its name in the table.</param>
    /// <param name="Source">The script that writes the object; {0} is the session.</param>
    /// <param name="Command">The script that takes the object.</param>
    private sealed record Case(string Name, string Source, string Command)
    {
        public string Act { get; init; } = Command.Contains("-Confirm", StringComparison.Ordinal)
            ? Command : Command + " -Confirm:$false";

        /// <summary>The properties that Select-Object keeps.</summary>
        public string[] Few { get; init; } = ["Id", "IndexStrategyId", "TableName", "IndexName"];

        /// <summary>The expected error; null if the command succeeds.</summary>
        public Func<Shape, bool, string?> Refused { get; init; } =
            (shape, isHere) => shape == Shape.SelectFew ? "ObjectIncomplete" : isHere ? null : "OtherDatabase";

        /// <summary>Whether a successful command changes something; null if that is not checked.</summary>
        public bool? Changes { get; init; } = true;

        /// <summary>SQL that reverts the changes in both databases.</summary>
        public string? Undo { get; init; }

        /// <summary>A script that reverts the change of this command.</summary>
        public string? UndoScript { get; init; }
    }
}
