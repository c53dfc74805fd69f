using System.Text.Json.Nodes;
using PerfMonitoring.Common;

namespace PerfMonitoring.Configuration;

public sealed class ConfigurationFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("configuration").FullName;

    private string FilePath => Path.Combine(folder, "configuration.json");

    private ConfigurationFile File => new(ConfigurationScope.User, FilePath);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static TheoryData<string> Broken =>
    [
        "", " ", "{", "[]", "42", "null", "{\"a\": 1, \"A\": 2}", "{\"a\": 1,}", "{\"a\": 1} x", "// no\n{}", "{\"a\": \"secret}",
        new string('[', 100_000), "\0\0\0",
    ];

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_file_is_an_error_with_its_path_and_a_way_out(string text)
    {
        System.IO.File.WriteAllText(FilePath, text);

        var reading = Assert.Throws<PerfMonitoringException>(() => File.Read(_ => null));
        var changing = Assert.Throws<PerfMonitoringException>(
            () => File.Change(new Dictionary<string, JsonNode?> { ["a"] = 1 }, _ => null));

        Assert.Equal((ErrorIds.ConfigurationInvalid, reading.Message), (reading.ErrorId, changing.Message));
        Assert.Contains(FilePath, reading.Message, StringComparison.Ordinal);
        Assert.Contains("-Reset", reading.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", reading.Message, StringComparison.Ordinal);
        Assert.Equal(text, System.IO.File.ReadAllText(FilePath));
    }

    [Fact]
    public void What_is_no_plain_file_is_an_error()
    {
        Directory.CreateDirectory(FilePath);
        Assert.Equal(
            ErrorIds.ConfigurationInvalid, Assert.Throws<PerfMonitoringException>(() => File.Read(_ => null)).ErrorId);
        if (!OperatingSystem.IsWindows())
        {
            // It would never end, and on most systems others can write it.
            Assert.Throws<PerfMonitoringException>(
                () => new ConfigurationFile(ConfigurationScope.User, "/dev/zero").Read(_ => null));
        }
    }

    [Theory]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void A_file_that_others_can_write_is_not_used(UnixFileMode mode)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no modes.");
        System.IO.File.WriteAllText(FilePath, "{\"a\": 1}");
        SetMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | mode);

        var unsafeFile = Assert.Throws<PerfMonitoringException>(() => File.Read(_ => null));

        Assert.Equal((ErrorIds.ConfigurationUnsafe, FailureKind.Security), (unsafeFile.ErrorId, unsafeFile.Kind));
        Assert.Equal($"chmod go-w '{FilePath}'", unsafeFile.Remedy);
    }

    [Fact]
    public void A_file_of_a_stranger_or_in_a_folder_of_everybody_is_not_used()
    {
        System.IO.File.WriteAllText(FilePath, "{}");
        Assert.Contains(
            "belongs to mallory", Assert.Throws<PerfMonitoringException>(() => File.Read(_ => "belongs to mallory")).Message,
            StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            System.IO.File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
            Assert.Equal(
                ErrorIds.ConfigurationUnsafe, Assert.Throws<PerfMonitoringException>(() => File.Read(_ => null)).ErrorId);
        }
    }

    [Fact]
    public void A_change_keeps_all_else_and_the_mode_and_leaves_no_draft()
    {
        System.IO.File.WriteAllText(FilePath, "\uFEFF{\"Later.Setting\": {\"x\": [1]}, \"a\": \"1\", \"B\": 2}");
        if (!OperatingSystem.IsWindows())
        {
            System.IO.File.SetUnixFileMode(FilePath, (UnixFileMode)0b110_100_000);
        }

        File.Change(new Dictionary<string, JsonNode?> { ["A"] = "2", ["b"] = null, ["c"] = 0.5 }, _ => null);

        Assert.Equal(["A", "Later.Setting", "c"], File.Read(_ => null).Keys.Order(StringComparer.Ordinal));
        Assert.Equal(1, File.Read(_ => null)["Later.Setting"].GetProperty("x")[0].GetInt32());
        Assert.Equal(
            ["configuration.json", "configuration.json.lock"],
            Directory.GetFiles(folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal((UnixFileMode)0b110_100_000, System.IO.File.GetUnixFileMode(FilePath));
        }
    }

    [Fact]
    public void A_link_stays_a_link()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links take rights on Windows.");
        var other = Path.Combine(folder, "dotfile.json");
        System.IO.File.WriteAllText(other, "{}");
        System.IO.File.CreateSymbolicLink(FilePath, other);

        File.Change(new Dictionary<string, JsonNode?> { ["a"] = 1 }, _ => null);

        Assert.Equal(other, new FileInfo(FilePath).LinkTarget);
        Assert.Contains("\"a\": 1", System.IO.File.ReadAllText(other), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_writers_at_once_lose_nothing_and_readers_see_whole_files()
    {
        using var stop = new CancellationTokenSource();
        var reader = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                File.Read(_ => null);
            }
        }, TestContext.Current.CancellationToken);

        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(
            () => File.Change(new Dictionary<string, JsonNode?> { [$"Setting{i}"] = i }, _ => null))));
        await stop.CancelAsync();
        await reader;

        Assert.Equal(40, File.Read(_ => null).Count);
    }

    [Fact]
    public void A_new_folder_and_file_are_the_users_alone_or_readable_for_all()
    {
        var mine = new ConfigurationFile(ConfigurationScope.User, Path.Combine(folder, "mine", "c.json"));
        var ours = new ConfigurationFile(ConfigurationScope.Machine, Path.Combine(folder, "ours", "c.json"));

        mine.Change(new Dictionary<string, JsonNode?> { ["a"] = 1 }, _ => null);
        ours.Change(new Dictionary<string, JsonNode?> { ["a"] = 1 }, _ => null);

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal((UnixFileMode)0b110_000_000, System.IO.File.GetUnixFileMode(mine.Path));
            Assert.Equal((UnixFileMode)0b110_100_100, System.IO.File.GetUnixFileMode(ours.Path));
        }
    }

    [Fact]
    public void What_cannot_be_written_is_an_error_with_a_way_out()
    {
        System.IO.File.WriteAllText(Path.Combine(folder, "file"), "");
        var file = new ConfigurationFile(ConfigurationScope.Machine, Path.Combine(folder, "file", "c.json"));

        var failure = Assert.Throws<PerfMonitoringException>(
            () => file.Change(new Dictionary<string, JsonNode?> { ["a"] = 1 }, _ => null));

        Assert.Equal(ErrorIds.ConfigurationNotWritten, failure.ErrorId);
        Assert.Contains("-Scope User", failure.Remedy, StringComparison.Ordinal);
    }

    private static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            System.IO.File.SetUnixFileMode(path, mode);
        }
    }
}
