using System.Collections;
using System.Reflection;
using PerfMonitoring.Terminal;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Architecture;

/// <summary>
/// What is true of every type that a cmdlet writes, and of every type that a property of one has: a script can make it, show it
/// in one line, and write it to JSON and CSV.
/// </summary>
public sealed class PipelineTypeTests : IDisposable
{
    // The zero of a verdict or a state says that nothing is known. A zero without a name is no word at all.
    private static readonly string[] Neutral = ["Unknown", "None", "Insufficient", "Started", "No", "0", "Error", "BuiltIn"];

    private readonly ModuleRunspace session = new();

    public void Dispose() => session.Dispose();

    [Fact]
    public void PowerShell_makes_each_type_from_nothing()
    {
        Assert.All(AllTypes(), type =>
        {
            var made = session.Invoke("New-Object $args[0]; $args[0]::new(); @{} -as $args[0]", type).MustSucceed().Output;
            Assert.Equal(3, made.Count);
            Assert.All(made, m => Assert.IsType(type, m.BaseObject));
        });
    }

    [Fact]
    public void PowerShell_makes_each_type_from_a_hashtable()
    {
        var set = 0;
        foreach (var type in AllTypes())
        {
            foreach (var property in Properties(type).Where(p => p.SetMethod is { IsPublic: true }))
            {
                var value = Sample(property.PropertyType);
                var made = session.Invoke("@{ $args[1] = $args[2] } -as $args[0]", type, property.Name, value);
                Assert.True(made.Output.Count == 1, $"{type.Name}.{property.Name} takes no {value}");
                set++;
            }
        }

        Assert.InRange(set, 150, int.MaxValue);
    }

    [Fact]
    public void An_object_of_which_nothing_is_known_shows_no_success()
    {
        foreach (var type in AllTypes().Where(t => !IsSql(t)))
        {
            var made = Activator.CreateInstance(type)!;
            foreach (var property in Properties(type))
            {
                // Reading a property never fails.
                var value = property.GetValue(made);
                if (value is Enum word && property.SetMethod is not null
                    && property.Name is not ("IndexType" or "UsagePattern" or "MaintenanceWindow"))
                {
                    Assert.True(Neutral.Contains(word.ToString()), $"{type.Name}.{property.Name} is {word}");
                }

                // What a person switches off is no success.
                Assert.False(
                    value is true && property.Name is not ("IsActive" or "IsMonitoring" or "AlertEnabled"),
                    $"{type.Name}.{property.Name} is true");
            }

            OneShortLine(type, made.ToString());
        }
    }

    [Fact]
    public void Each_type_is_one_short_line_in_a_text() => Assert.All(AllTypes().Where(t => !IsSql(t)), type =>
    {
        var made = Hostile.Fill(type);
        var text = (string)session.Invoke("\"$($args[0])\"", made).Only().BaseObject;
        OneShortLine(type, text);
        Assert.DoesNotContain(type.Name, text, StringComparison.Ordinal);
        Hostile.MustBeGone(text);
    });

    // Export-Csv writes what ToString gives.
    [Fact]
    public void Each_property_is_a_text_in_CSV() => Assert.All(AllTypes(), type =>
    {
        var made = Hostile.Fill(type);
        Assert.All(Properties(type), property =>
        {
            if (Read(property, made) is { } value and not Version && !IsSql(ElementOf(value.GetType())))
            {
                var text = value.ToString() ?? "";
                Assert.False(
                    text.StartsWith("System.", StringComparison.Ordinal)
                        || text.StartsWith("PerfMonitoring.", StringComparison.Ordinal)
                        || text.StartsWith(value.GetType().Name + " {", StringComparison.Ordinal),
                    $"{type.Name}.{property.Name} is {text}");
            }
        });
    });

    // ConvertTo-Json writes an enumeration as a number unless it is of this size.
    [Fact]
    public void Each_word_is_a_word_in_JSON() => Assert.All(
        AllTypes().SelectMany(Properties).Select(p => Nullable.GetUnderlyingType(p.PropertyType) ?? p.PropertyType)
            .Where(t => t.IsEnum),
        t => Assert.Equal(typeof(long), Enum.GetUnderlyingType(t)));

    [Fact]
    public void A_strategy_is_made_from_what_its_properties_are_called()
    {
        var made = session.Invoke(
            "[PerfMonitoring.Strategies.IndexStrategy]@{ TableName = 'sales.orders'; IndexName = 'orders_idx'; Columns = "
                + "'customer_id', 'status'; Include = 'total'; WhereClause = 'status > 1'; CostBefore = 10; "
                + "CostAfter = 1 }").Only();

        Assert.Equal(
            "CREATE INDEX CONCURRENTLY orders_idx ON sales.orders USING btree (customer_id, status) INCLUDE (total) WHERE "
                + "status > 1",
            made.Properties["IndexDefinition"].Value);
        Assert.Equal("customer_id; status", made.Properties["Columns"].Value.ToString());
        Assert.Equal(0.9, made.Properties["GainShare"].Value);
        Assert.Equal("orders_idx on sales.orders", made.ToString());
    }

    [Fact]
    public void No_cmdlet_works_on_a_session_that_a_script_made()
    {
        var error = Assert.Single(session.Invoke(
            "Get-SlowQuery -Session ([PerfMonitoring.Sessions.PerfMonitoringSession]@{ Name = 'shop'; HostName = 'db1' })")
            .AllErrors);

        Assert.Equal("SessionNotLive", error.FullyQualifiedErrorId.Split(',')[0]);
    }

    private static void OneShortLine(Type type, string? text)
    {
        Assert.False(text is null || text.Contains('\n', StringComparison.Ordinal), $"{type.Name}: {text}");
        Assert.True(text!.Length <= 400, $"{type.Name}: {text.Length} characters");
    }

    private static object? Read(PropertyInfo property, object made)
    {
        try
        {
            return property.GetValue(made);
        }
        catch (TargetInvocationException e) when (e.InnerException!.GetType().Name == "PerfMonitoringException")
        {
            // Hostile texts make no definition of an index.
            return null;
        }
    }

    // SQL keeps each character or refuses it, and an address is compared with another one.
    private static bool IsSql(Type type) =>
        type.Name is "ServerTarget" or "RelationName" || type.Namespace == "PerfMonitoring.Indexes";

    private static Type ElementOf(Type type) => type.IsGenericType ? type.GetGenericArguments()[0] : type;

    private static bool IsAlertConfiguration(Type type) => type.Name == "AlertConfiguration";

    private static IEnumerable<PropertyInfo> Properties(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetMethod is { IsPublic: true });

    // What a person would write in a test.
    private static object? Sample(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(string) ? "orders"
            : type.IsEnum ? Enum.GetNames(type)[^1]
            : type == typeof(bool) ? true
            : type == typeof(Guid) ? Guid.Empty.ToString()
            : type == typeof(DateTimeOffset) ? new DateTime(2026, 1, 1)
            : type == typeof(DateOnly) ? "2026-01-01"
            : type == typeof(TimeSpan) ? "00:01:00"
            : IsAlertConfiguration(type) ? new Hashtable { ["mail"] = "dba" }
            : type.IsGenericType && type.GetGenericArguments()[0] == typeof(string) ? new object[] { "a", "b" }
            : type.IsGenericType ? new object[] { new Hashtable() }
            : type.IsPrimitive || type == typeof(decimal) ? 7 : new Hashtable();
    }

    // The declared output types, and the types of their properties.
    private List<Type> AllTypes()
    {
        var found = new List<Type>();
        var open = new Queue<Type>(session.Invoke(
            "Get-Command -Module PerfMonitoring | ForEach-Object { $_.OutputType.Type }").MustSucceed().Output
            .Select(o => (Type)o.BaseObject));
        while (open.TryDequeue(out var type))
        {
            type = Nullable.GetUnderlyingType(type) ?? type;
            foreach (var inner in type.IsGenericType ? type.GetGenericArguments() : [])
            {
                open.Enqueue(inner);
            }

            if (type.IsEnum || type.IsGenericType
                || type.Namespace?.StartsWith("PerfMonitoring", StringComparison.Ordinal) != true || IsAlertConfiguration(type)
                || found.Contains(type))
            {
                continue;
            }

            found.Add(type);
            foreach (var property in Properties(type))
            {
                open.Enqueue(property.PropertyType);
            }
        }

        Assert.InRange(found.Count, 25, 100);
        return found;
    }
}
