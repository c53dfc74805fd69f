using System.Collections;
using System.Management.Automation;
using System.Reflection;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Advice;

/// <summary>Constants of predicates, expressions and statements are users' data: no stream and no error shows them.</summary>
public sealed class LiteralTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private const string Marker = "mar.ker@example.org";

    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync($"""
            drop schema if exists perf_monitoring cascade;
            drop table if exists people;
            drop type if exists mood cascade;
            create type mood as enum ('sad', 'glad');
            create table people (id int primary key, town text, mood mood, born date, born_at timestamptz, doc jsonb, tag uuid, net inet, part int4range, flags bit(4));
            insert into people select i, '{Marker}', 'sad', '2020-01-01' from generate_series(1, 2000) i;
            analyze people;
            create or replace function shout(text) returns text language plpgsql immutable as
                $$ begin raise exception 'not %', $1 using errcode = 'undefined_table', detail = $1, hint = $1; end $$;
            """);
        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0]; Initialize-PerfMonitoringStore", database.ConnectionString)
            .MustSucceed();
        session.Set("m", Marker);
    }

    public ValueTask DisposeAsync()
    {
        session.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// Constants that the server quotes, by kind. Each is used as a predicate, in an expression, and in a statement.
    /// </summary>
    private static readonly string[] Conditions =
    [
        "born > '{0}'", "born_at > '{0}'", "id = '{0}'", "mood = '{0}'", "doc = '{0}'", "tag = '{0}'", "net = '{0}'",
        "part = '{0}'", "flags = '{0}'",
        "id = '{0}'::regclass::oid::int", "town = '{0}'::regtype::text", "to_tsvector('{0}', town) is not null", "town ~ '[{0}'",
        "town like '{0}\\' escape 'xx'",
        "date_trunc('{0}', born) is not null", "to_number(town, '{0}') > '{0}'::numeric", "shout('{0}') is null",
        "town = '{0}' '{0}'", "'{0}'",
        "town = '{0}' and", "town = e'\\x6d{0}'::regclass::text", "id = '{0}'::interval", "town = ('{0}'::xml)::text",
        "id > '99999999999999999999{0}'::int",
        "town = '{0}' and nothing = 1", "town = '{0}' and nothing('{0}')", "'{0}'::nothing is null", "town collate '{0}' = ''",
        "born > make_date('{0}', 1, 1)",
        "town > '{0}'::text at time zone '{0}'", "doc @? '$.{0}['", "id = $1 and town = '{0}'",
    ];

    [Fact]
    public void No_stream_shows_a_constant()
    {
        foreach (var pattern in Conditions)
        {
            session.Set("condition", pattern.Replace("{0}", Marker, StringComparison.Ordinal));
            foreach (var script in (string[])[
                "New-IndexStrategy people town -Where $condition -Verbose",
                "New-IndexStrategy people -Expression $condition -Verbose",
                "New-IndexStrategy people -Expression \"($condition)\" -IndexType Gist -Verbose",
                "New-IndexStrategy -Query \"select * from people where $condition order by town limit 10\" -Verbose",
            ])
            {
                ShowsNoMarker(session.Invoke(script), $"{pattern}: {script}");
            }
        }
    }

    [Fact]
    public async Task A_build_shows_no_constant()
    {
        await database.ExecuteAsync($"create unique index taken_idx on people (id) where town <> '{Marker}'");
        session.Invoke("""
            $unique = New-IndexStrategy people town -Where "town = '$m'" -IndexName unique_idx
            $taken = New-IndexStrategy people id,born -Where "town <> '$m'" -IndexName chosen_idx
            $late = New-IndexStrategy people -Expression "coalesce(town, '$m')"
            """).MustSucceed();
        var late = session.Invoke("$late").Only();
        Assert.DoesNotContain("mar", late.Properties["IndexName"].Value.ToString()!, StringComparison.Ordinal);
        await database.ExecuteAsync(
            $"create view chosen_idx as select '{Marker}'::text; alter table people rename born to born_on");

        foreach (var script in (string[])[
            "$taken | Invoke-IndexCreation -Verbose -Confirm:$false", "Invoke-IndexCreation $unique -Verbose -Confirm:$false",
            "$late | Invoke-IndexCreation -Verbose -Confirm:$false", "Get-IndexStrategyHistory -Verbose | Out-Null",
            "Invoke-IndexRemoval unique_idx -Force -Verbose -Confirm:$false",
            "Undo-IndexRemoval unique_idx -Verbose -Confirm:$false",
            "$unique | Undo-IndexCreation -Force -Verbose -Confirm:$false",
            "Test-IndexStrategy $unique -Verbose", "$taken | Set-IndexStrategy -Notes x -Verbose",
            "$taken | Remove-IndexStrategy -Verbose -Confirm:$false",
        ])
        {
            ShowsNoMarker(session.Invoke(script), script);
        }
    }

    [Fact]
    public void Who_is_asked_sees_the_statement()
    {
        session.Invoke("$asked = New-IndexStrategy people town -Where \"town >= '$m'\" -IndexName asked_idx").MustSucceed();

        foreach (var script in (string[])[
            "New-IndexStrategy people born -Where \"town >= '$m'\" -WhatIf", "$asked | Invoke-IndexCreation -WhatIf",
            "$asked | Invoke-IndexCreation -Confirm"])
        {
            var shown = session.Invoke(script).HostText + string.Concat(session.Host.Prompts);
            Assert.Contains($"town >= '{Marker}'", shown, StringComparison.Ordinal);
        }
    }

    private static void ShowsNoMarker(ScriptResult result, string script)
    {
        var shown = result.Verbose.Concat(result.Warnings).Append(result.HostText)
            .Concat(result.Progress.Select(p => $"{p.Activity} {p.StatusDescription} {p.CurrentOperation}"))
            .Concat(result.AllErrors.SelectMany(Everything)).Append($"{result.Exception?.Message}");
        Assert.All(shown, text => Assert.False(
            text.Contains(Marker, StringComparison.OrdinalIgnoreCase)
                || text.Contains("ker@ex", StringComparison.OrdinalIgnoreCase)
            || text.Contains("markerexample", StringComparison.OrdinalIgnoreCase), $"{script}: {text}"));
    }

    // The output of Format-List * -Force, along the chain of causes. The strategy itself contains its definition.
    private static IEnumerable<string> Everything(ErrorRecord error)
    {
        yield return $"{error} {error.FullyQualifiedErrorId} {error.CategoryInfo} {error.CategoryInfo.TargetName} "
            + $"{error.ErrorDetails} {error.ErrorDetails?.RecommendedAction}";
        if (error.TargetObject is string target)
        {
            yield return target;
        }

        for (var cause = error.Exception; cause is not null; cause = cause.InnerException)
        {
            yield return cause.ToString();
            foreach (DictionaryEntry entry in cause.Data)
            {
                yield return $"{entry.Key}={entry.Value}";
            }

            foreach (var property in cause.GetType().GetProperties(BindingFlags.Instance | BindingFlags.Public)
                .Where(p => p.Name is not ("Subject" or "ErrorRecord" or "TargetSite")))
            {
                yield return $"{property.Name}={property.GetValue(cause)}";
            }
        }
    }
}
