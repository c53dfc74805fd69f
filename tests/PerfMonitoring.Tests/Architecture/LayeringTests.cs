using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Architecture;

/// <summary>Cmdlets speak PowerShell, Core decides, Postgres executes. The tests read the shipped assemblies.</summary>
public sealed class LayeringTests
{
    private const string PowerShell = "System.Management.Automation";

    private static readonly string Stage = Path.GetDirectoryName(ModuleRunspace.ManifestPath)!;
    private static readonly string Source = Path.Combine(Repository.Root, "src");

    [Fact]
    public void Core_references_the_runtime_only() => Assert.Empty(Foreign("PerfMonitoring.Core.dll"));

    [Fact]
    public void The_cmdlets_reference_Core_and_PowerShell_only() =>
        Assert.Equal(["PerfMonitoring.Core", PowerShell], Foreign("PerfMonitoring.dll").Order(StringComparer.Ordinal));

    [Fact]
    public void Postgres_references_Core_and_neither_the_cmdlets_nor_PowerShell()
    {
        var references = Foreign(Path.Combine("deps", "PerfMonitoring.Postgres.dll"));

        Assert.Contains("PerfMonitoring.Core", references);
        Assert.DoesNotContain("PerfMonitoring", references);
        Assert.DoesNotContain(PowerShell, references);
    }

    [Fact]
    public void Packages_are_staged_for_the_private_load_context_alone() =>
        Assert.Equal(
            ["PerfMonitoring.Core.dll", "PerfMonitoring.dll"],
            Directory.EnumerateFiles(Stage, "*.dll").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));

    [Fact]
    public void Core_is_staged_once() => Assert.False(File.Exists(Path.Combine(Stage, "deps", "PerfMonitoring.Core.dll")));

    [Fact]
    public void One_file_joins_the_cmdlets_with_Postgres() => Assert.Equal(
        [Path.Combine("Sessions", "Backend.cs")],
        SourceFiles.In(Path.Combine("src", "PerfMonitoring"), "*.cs")
            .Where(f => File.ReadAllText(f).Contains("PerfMonitoring.Postgres", StringComparison.Ordinal))
            .Select(f => Path.GetRelativePath(Path.Combine(Source, "PerfMonitoring"), f)));

    private static List<string> Foreign(string file)
    {
        var runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        using var image = new PEReader(File.OpenRead(Path.Combine(Stage, file)));
        var metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences
            .Select(r => metadata.GetString(metadata.GetAssemblyReference(r).Name))
            .Where(n => !File.Exists(Path.Combine(runtime, n + ".dll")))];
    }
}
