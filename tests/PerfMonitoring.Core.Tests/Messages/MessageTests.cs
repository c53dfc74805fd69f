using System.Text.Json;

namespace PerfMonitoring.Messages;

public sealed class MessageTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("messages").FullName;

    private string FilePath => Path.Combine(folder, "log.jsonl");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task The_ring_keeps_the_last_messages_in_their_order()
    {
        var log = new MessageLog(10);
        Assert.Empty(log.ToArray());
        for (var i = 0; i < 25; i++)
        {
            log.Add(Entry($"{i}"));
            Assert.Equal(Math.Min(i + 1, 10), log.ToArray().Length);
        }

        Assert.Equal(Enumerable.Range(15, 10).Select(i => $"{i}"), log.ToArray().Select(e => e.Message));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                log.Add(Entry("x"));
                Assert.All(log.ToArray(), e => Assert.NotNull(e));
            }
        })));
    }

    [Fact]
    public async Task Many_writers_tear_no_line_and_the_files_roll()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(w => Task.Run(() =>
        {
            var file = new RollingFile(FilePath, 8192, 50);
            for (var i = 0; i < 100; i++)
            {
                Assert.Null(file.Append(Entry($"{w}.{i} \u00FC\n\"")));
            }
        })));

        var files = Directory.GetFiles(folder, "log.jsonl*").Where(f => !f.EndsWith(".lock", StringComparison.Ordinal)).ToList();
        var messages = files.SelectMany(File.ReadAllLines).Select(Message).ToList();
        Assert.Equal(400, messages.Distinct().Count());
        Assert.Equal(400, messages.Count);
        Assert.InRange(files.Count, 4, 50);
        Assert.All(files, f => Assert.InRange(new FileInfo(f).Length, 1, 8192));
    }

    [Fact]
    public void No_more_files_are_kept_than_allowed()
    {
        var file = new RollingFile(FilePath, 300, 3);
        for (var i = 0; i < 20; i++)
        {
            Assert.Null(file.Append(Entry($"{i}")));
        }

        Assert.Equal(
            ["log.jsonl", "log.jsonl.1", "log.jsonl.2", "log.jsonl.lock"],
            Directory.GetFiles(folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.Equal("19", Message(File.ReadAllLines(FilePath)[^1]));
        Assert.Null(new RollingFile(Path.Combine(folder, "one"), 300, 1).Append(Entry("a")));
    }

    [Fact]
    public void Half_a_line_of_a_process_that_died_stays_alone()
    {
        File.WriteAllText(FilePath, "{\"time\":\"20");

        Assert.Null(new RollingFile(FilePath, 8192, 3).Append(Entry("next")));

        Assert.Equal("next", Message(File.ReadAllLines(FilePath)[1]));
    }

    [Fact]
    public void A_failure_is_told_once_and_what_is_missing_is_counted()
    {
        var gone = Path.Combine(folder, "gone");
        var file = new RollingFile(Path.Combine(gone, "log.jsonl"), 8192, 3);

        Assert.NotNull(file.Append(Entry("a")));
        Assert.Null(file.Append(Entry("b")));

        // The file is there again, and the rest is not over: the message is counted, and not waited for.
        Directory.CreateDirectory(gone);
        Assert.Null(file.Append(Entry("c")));
        Assert.Empty(Directory.GetFiles(gone));
    }

    [Fact]
    public void A_link_or_a_file_that_others_can_write_is_not_written()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no modes, and links take rights.");
        var victim = Path.Combine(folder, "victim");
        File.WriteAllText(victim, "");
        File.CreateSymbolicLink(FilePath, victim);
        Assert.Contains("is a link", new RollingFile(FilePath, 8192, 3).Append(Entry("a")), StringComparison.Ordinal);
        Assert.Equal("", File.ReadAllText(victim));

        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(victim, (UnixFileMode)0b110_000_010);
            Assert.Contains("by others", new RollingFile(victim, 8192, 3).Append(Entry("a")), StringComparison.Ordinal);
            Assert.Equal("", File.ReadAllText(victim));
        }
    }

    private static PerfMonitoringLogEntry Entry(string message) =>
        new() { Time = DateTimeOffset.Now, Level = MessageLevel.Error, Cmdlet = "Get-SlowQuery", Message = message };

    private static string? Message(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty("message").GetString();
    }
}
