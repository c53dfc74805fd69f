using System.Runtime.InteropServices;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>Compares connection strings of every kind with libpq. Variables and files belong to the test.</summary>
public sealed class ConnectionStringsTests : IDisposable
{
    private const string Secret = "S3cret";

    private readonly string home = Directory.CreateTempSubdirectory("pm-home-").FullName;
    private readonly Dictionary<string, string> variables = [];

    public void Dispose() => Directory.Delete(home, recursive: true);

    /// <summary>A connection string, and its host:port/database, role and password.</summary>
    public static TheoryData<string, string, string, string?> Texts => new()
    {
        // Keywords and values.
        { "host=h port=1 user=u password=S3cret dbname=d", "h:1/d", "u", "S3cret" },
        { "  host = h  port= 1\tuser =u\npassword = 'S3 cret' dbname=d ", "h:1/d", "u", "S3 cret" },
        { @"host=h dbname=d user='o\'brien' password='it\'s a \\ 'port=2", "h:2/d", "o'brien", @"it's a \ " },
        { @"host=h dbname=d user=u password=a\ b\'c\\d\=e", "h:5432/d", "u", @"a b'c\d=e" },
        { "host=h dbname=d user=u password=a;b port=3", "h:3/d", "u", "a;b" },
        { "host=h dbname=d user=u password='a;b=c;d' port=3", "h:3/d", "u", "a;b=c;d" },
        { "host=h dbname=d user=u password=\"x\"", "h:5432/d", "u", "\"x\"" },
        { "host=h dbname=d user=u password=''", "h:5432/d", "u", null },
        { "host='' dbname='d' user=u", "localhost:5432/d", "u", null },
        { "dbname=d user=u", "localhost:5432/d", "u", null },
        { "user=u", "localhost:5432/u", "u", null },
        { "host=h host=i dbname=d user=u", "i:5432/d", "u", null },
        { "host=h hostaddr=10.0.0.1 dbname=d user=u", "h:5432/d", "u", null },
        { "hostaddr=10.0.0.1 dbname=d user=u", "10.0.0.1:5432/d", "u", null },
        { "hostaddr=::1 dbname=d user=u", "::1:5432/d", "u", null },
        { "host=a,b port=1,2 dbname=d user=u", "a:1,b:2/d", "u", null },
        { "host=a,b port=7 dbname=d user=u", "a:7,b:7/d", "u", null },
        { "host=/run/pg dbname=d user=u", "/run/pg:5432/d", "u", null },
        { "host='/run/my pg' dbname=d user=u", "/run/my pg:5432/d", "u", null },
        { "HOST=h PORT=1 Password=S3cret dbname=d user=u", "h:1/d", "u", "S3cret" },
        { "host=h dbname='a b' user='ü' password='ß€😀'", "h:5432/a b", "ü", "ß€😀" },
        // URIs.
        { "postgresql://u:S3cret@h:1/d", "h:1/d", "u", "S3cret" },
        { "postgres://u:S3cret@h:1/d", "h:1/d", "u", "S3cret" },
        { "POSTGRES://u:S3cret@h:1/d", "h:1/d", "u", "S3cret" },
        { "postgresql://u@h", "h:5432/u", "u", null },
        { "postgresql://u@", "localhost:5432/u", "u", null },
        { "postgresql://u@/d", "localhost:5432/d", "u", null },
        { "postgres://u%40x:p%40%2F%3A%25%20%c3%a9@h/d%2Fe", "h:5432/d/e", "u@x", "p@/:% é" },
        { "postgres://u:a:b@h/d", "h:5432/d", "u", "a:b" },
        { "postgres://u:a?b=c&d#e@h/d", "h:5432/d", "u", "a?b=c&d#e" },
        { "postgres://u@[::1]:12/d", "::1:12/d", "u", null },
        { "postgres://u@[2001:db8::1234]/d", "2001:db8::1234:5432/d", "u", null },
        { "postgres://u@a:1,[::1]:2,c/d", "a:1,::1:2,c:5432/d", "u", null },
        { "postgres://u@%2Fvar%2Frun%2Fpg/d", "/var/run/pg:5432/d", "u", null },
        { "postgres://u@:12/d?host=/path/to/socket", "/path/to/socket:12/d", "u", null },
        { "postgres://?host=h&user=u&dbname=d&port=9&password=S%26%3d", "h:9/d", "u", "S&=" },
        { "postgres://h/d?u%73er=u&hostaddr=10.0.0.1", "h:5432/d", "u", null },
        { "postgres://u@h:/d", "h:5432/d", "u", null },
        // Npgsql's.
        { "Host=h;Port=1;Username=u;Password=S3cret;Database=d", "h:1/d", "u", "S3cret" },
        { "Server=h;User Id=u;PWD=S3cret;DB=d", "h:5432/d", "u", "S3cret" },
        { "host=h;port=1;username=u;password=a b=c;database=d", "h:1/d", "u", "a b=c" },
        { "Host=h;Username=u;Password='a;b=''c\"';Database=d;", "h:5432/d", "u", "a;b='c\"" },
        { "Host=h;Username=u;Password=\"a;b\";Database=d", "h:5432/d", "u", "a;b" },
        { "Password=a port=c;Host=h;Username=u;Database=d", "h:5432/d", "u", "a port=c" },
        { "Host=h:7;Username=u;Database=d", "h:7/d", "u", null },
        { "Host=a:1,b:2;Username=u;Database=d", "a:1,b:2/d", "u", null },
        { "host=h;dbname=d;user=u;sslmode=verify-full;connect_timeout=3", "h:5432/d", "u", null },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void Every_form_is_understood(string text, string address, string user, string? password)
    {
        var plan = Build(text);

        Assert.Equal((address, user, password), (plan.Address, plan.Builder.Username, plan.Password));
        Assert.DoesNotContain("assword", plan.Builder.ConnectionString, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "host=h pasword=S3cret", "'pasword'" },
        { "host=h port=S3cret", "port in -ConnectionString" },
        { "host=h port=70000", "port in" },
        { "host=h port=1,2", "port in" },
        { "host=a,b hostaddr=10.0.0.1", "hostaddr in" },
        { "hostaddr=S3cret", "hostaddr in" },
        { "host=h connect_timeout=S3cret", "connect_timeout in" },
        { "host=h sslmode=S3cret", "sslmode in" },
        { "host=h password=a S3cret", "keyword=value" },
        { "host=h password=a S3cret=b", "a word where a keyword should be" },
        { "host=h password='S3cret", "quote in it is not closed" },
        { "host=h password='a'S3cret'", "keyword" },
        { "S3cret", "keyword" },
        { "host=h service=none", "no service 'none'" },
        { "host=h requirepeer=postgres", "requirepeer in" },
        { "host=h sslcrl=x", "sslcrl in" },
        { "host=h replication=database", "replication in" },
        { "host=h scram_client_key=S3cret", "scram_client_key in" },
        { "host=h gssencmode=S3cret", "gssencmode in" },
        { "host=h channel_binding=S3cret", "channel_binding in" },
        { "host=h require_auth=S3cret", "require_auth in" },
        { "host=h target_session_attrs=S3cret", "target_session_attrs in" },
        { "host=h sslrootcert=system sslmode=require", "sslmode in" },
        { "host=h ssl_min_protocol_version=S3cret", "ssl_min_protocol_version in" },
        { "host=h sslnegotiation=direct", "sslnegotiation in" },
        { "postgres://u:S3cret@h/d?uzer=x", "'uzer'" },
        { "postgres://u@h/d?password=a&S3cret=b", "a word where a keyword should be" },
        { "postgres://u@h/d?password=S3cret=b", "parameter behind the ?" },
        { "postgres://u@h/d?S3cret", "parameter behind the ?" },
        { "postgres://u:a/S3cret@h/d", "@ in the name of the database" },
        { "postgres://u:12/S3cret@h/d", "@ in the name of the database" },
        { "postgres://u:a@S3cret@h/d", "more than one @" },
        { "postgres://u:%zzS3cret@h/d", "hexadecimal digits" },
        { "postgres://u:%00S3cret@h/d", "hexadecimal digits" },
        { "postgres://u:%ffS3cret@h/d", "not UTF-8" },
        { "postgres://[::1", "bracket is not closed" },
        { "postgres://[]", "is empty" },
        { "postgres://[::1]z", "behind an IPv6 address" },
        { "postgres://h:S3cret/d", "port in" },
        { "Nonsense=S3cret", "'nonsense'" },
        { "Host=h;Port=S3cret", "port in" },
        { "Host=h;Password=a;S3cret=b", "a word where a keyword should be" },
        { "Host=h;Pooling=S3cret", "pooling in" },
        { "Host=h;Password='S3cret", "not a connection string" },
        { "Server=h Port=1 Password=S3cret;Database=d", "host in" },
        { "Host=h;Database=postgres://u:S3cret@h/d", "dbname in" },
        { "dbname='host=x password=S3cret'", "dbname in" },
        { "postgre://u:S3cret@h/d", "keyword" },
        { "jdbc:postgresql://h/d?password=S3cret", "keyword" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_is_wrong_is_named_and_never_repeated(string text, string named)
    {
        foreach (var isStore in (bool[])[false, true])
        {
            var error = Assert.Throws<PerfMonitoringException>(
                () => Build(new ConnectionSettings { ConnectionString = text, IsStore = isStore }));

            Assert.Contains(
                isStore ? named.Replace("-Con", "-StoreCon", StringComparison.Ordinal) : named, error.Message,
                StringComparison.Ordinal);
            Assert.NotEmpty(error.Remedy!);
            Assert.DoesNotContain(Secret, $"{error} {error.Remedy} {error.Subject}", StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("host=h password=S3cret")]
    [InlineData("postgres://u:S3cret@h/d")]
    [InlineData("Host=h;Password=S3cret")]
    [InlineData("Password=S3cret;Host=h")]
    [InlineData("h password=S3cret")]
    [InlineData("u:S3cret@h")]
    [InlineData("h;S3cret")]
    [InlineData("h S3cret")]
    [InlineData("jdbc:postgresql://h/d?password=S3cret")]
    [InlineData(" ")]
    [InlineData("a\0S3cret")]
    public void A_host_is_a_host_and_a_database_no_connection_string(string text)
    {
        foreach (var isStore in (bool[])[false, true])
        {
            var name = isStore ? "-Store" : "-";
            // A whole connection string may stand in the place of the host.
            if (text is "host=h password=S3cret" or "postgres://u:S3cret@h/d" or "Host=h;Password=S3cret"
                or "Password=S3cret;Host=h")
            {
                var plan = Build(new ConnectionSettings { HostName = text, IsStore = isStore, Database = "other" });
                Assert.Equal(("h:5432/other", "S3cret"), (plan.Address, plan.Password));
                var both = Assert.Throws<PerfMonitoringException>(
                    () => Build(new ConnectionSettings { HostName = text, ConnectionString = "dbname=d", IsStore = isStore }));
                Assert.DoesNotContain(Secret, $"{both} {both.Remedy} {both.Subject}", StringComparison.Ordinal);
            }
            else
            {
                var host = Assert.Throws<PerfMonitoringException>(
                    () => Build(new ConnectionSettings { HostName = text, IsStore = isStore }));
                Assert.StartsWith($"{name}HostName ", host.Message, StringComparison.Ordinal);
                Assert.DoesNotContain(Secret, $"{host} {host.Remedy} {host.Subject}", StringComparison.Ordinal);
            }

            if (Conninfo.LooksLikeConnectionString(text))
            {
                var database = Assert.Throws<PerfMonitoringException>(
                    () => Build(new ConnectionSettings { Database = text, IsStore = isStore }));
                Assert.StartsWith($"{name}Database ", database.Message, StringComparison.Ordinal);
                Assert.DoesNotContain(Secret, $"{database} {database.Remedy} {database.Subject}", StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Parameter_string_service_variable_default_in_this_order()
    {
        Write(".pg_service.conf",
            "# mine\n[other]\nhost=wrong\n\n[mine]\nhost=of-service\nport=3\ndbname=of-service\n"
                + "user=of-service\napplication_name=a b\n[next]\nhost=wrong\n");
        variables["PGSERVICE"] = "mine";
        variables["PGHOST"] = variables["PGDATABASE"] = variables["PGUSER"] = variables["PGAPPNAME"] = "of-environment";
        variables["PGPASSWORD"] = "of-environment";
        variables["PGPORT"] = "4";
        variables["PGCONNECT_TIMEOUT"] = "5";

        var service = Build((string?)null);
        Assert.Equal(
            ("of-service:3/of-service", "of-service", "of-environment", "a b", 5),
            (service.Address, service.Builder.Username, service.Password, service.Builder.ApplicationName,
            service.Builder.Timeout));
        var text = Build("port=2 dbname=of-string");
        Assert.Equal(("of-service:2/of-string", "of-service"), (text.Address, text.Builder.Username));
        var parameter = Build(
            new ConnectionSettings {
            ConnectionString = "port=2 dbname=of-string", HostName = "of-parameter", Database = "x", Password = "p" });
        Assert.Equal(("of-parameter:2/x", "p"), (parameter.Address, parameter.Password));
        Assert.Equal("wrong:4/of-environment", Build("service=next").Address);
        variables.Remove("PGSERVICE");
        Assert.Equal("of-environment:4/of-environment", Build((string?)null).Address);
        variables.Clear();
        Assert.Equal("localhost:5432/u", Build("user=u").Address);
        Assert.Equal(
            ("PerfMonitoring", 15, 30),
            (Build("user=u").Builder.ApplicationName, Build("user=u").Builder.Timeout, Build("user=u").Builder.CommandTimeout));
    }

    [Fact]
    public void A_service_is_looked_for_where_libpq_looks()
    {
        var system = Directory.CreateDirectory(Path.Combine(home, "etc")).FullName;
        Write("etc/pg_service.conf", "[system]\nhost=of-system\n[both]\nhost=of-system\n");
        Write(".pg_service.conf",
            "[both]\nhost=of-home\n  # comment\n  port=7  \npassword= a=b #c\n[bad]\npassword S3cret\n[nested]\nservice=both\n");
        Write("named", "[named]\nhost=of-named\n");
        variables["PGSYSCONFDIR"] = system;

        Assert.Equal("of-system:5432/u", Build("service=system user=u").Address);
        Assert.Equal(("of-home:7/u", " a=b #c"), (Build("service=both user=u").Address, Build("service=both user=u").Password));
        variables["PGSERVICEFILE"] = Path.Combine(home, "named");
        Assert.Equal("of-named:5432/u", Build("postgres://u@?service=named").Address);
        Assert.Equal("of-system:5432/u", Build("service=both user=u").Address);
        variables["PGSERVICEFILE"] = Path.Combine(home, "missing");
        Assert.Contains(
            "missing does not exist", Assert.Throws<PerfMonitoringException>(() => Build("service=both")).Message,
            StringComparison.Ordinal);
        variables.Remove("PGSERVICEFILE");
        foreach (var service in (string[])["bad", "nested"])
        {
            var error = Assert.Throws<PerfMonitoringException>(() => Build($"service={service}"));
            Assert.Equal("InvalidServiceFile", error.ErrorId);
            Assert.DoesNotContain(Secret, error.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("PGPORT", "S3cret")]
    [InlineData("PGCONNECT_TIMEOUT", "S3cret")]
    [InlineData("PGSSLMODE", "S3cret")]
    [InlineData("PGHOST", "host=h password=S3cret")]
    [InlineData("PGHOSTADDR", "S3cret")]
    [InlineData("PGCHANNELBINDING", "S3cret")]
    [InlineData("PGTARGETSESSIONATTRS", "S3cret")]
    [InlineData("PGGSSENCMODE", "S3cret")]
    [InlineData("PGSSLCRL", "/x")]
    [InlineData("PGREQUIREPEER", "postgres")]
    [InlineData("PGSSLROOTCERT", "/nowhere/root.crt")]
    [InlineData("PGSSLCERT", "/nowhere/me.crt")]
    [InlineData("PGSERVICE", "nowhere")]
    public void A_variable_that_is_wrong_is_named(string name, string value)
    {
        variables[name] = value;
        variables.TryAdd("PGSSLMODE", "require");

        var error = Assert.Throws<PerfMonitoringException>(() => Build("user=u"));

        Assert.Contains(
            value.Contains(Secret, StringComparison.Ordinal) || name is "PGSSLCRL" or "PGREQUIREPEER" ? name : value,
            error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, $"{error} {error.Remedy} {error.Subject}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", null, false)]
    [InlineData("PGSSLMODE=require", "Require", true)]
    [InlineData("PGREQUIRESSL=1", "Require", true)]
    [InlineData("PGREQUIRESSL=0", null, false)]
    public void The_mode_of_the_environment_counts_as_chosen(string variable, string? mode, bool isChosen)
    {
        if (variable.Split('=') is [var name, var value])
        {
            variables[name] = value;
        }

        var plan = Build("user=u");

        Assert.Equal((mode ?? "Prefer", isChosen), (plan.Builder.SslMode.ToString(), plan.Tls.IsChosen));
        variables.Clear();
        Assert.Equal("Prefer", Build("requiressl=0 user=u").Builder.SslMode.ToString());
        Assert.Equal("Require", Build("postgres://u@h?ssl=true").Builder.SslMode.ToString());
        Assert.Equal("Disable", Build("host=/run/pg user=u sslmode=verify-full").Builder.SslMode.ToString());
        Assert.Equal(
            ("verify-full", true),
            (Build("user=u sslrootcert=system").Tls.Mode, Build("user=u sslrootcert=system").Tls.IsChosen));
        Assert.Equal("verify-full", Build("Host=h;Username=u;SSL Mode=VerifyFull").Tls.Mode);
    }

    [Fact]
    public void What_would_undermine_a_session_is_overridden()
    {
        var builder = Build(
            "Host=h;Username=u;Multiplexing=true;Max Auto Prepare=20;No Reset On Close=true;Load Balance Hosts=true;Include "
                + "Error Detail=true;Persist Security Info=true;"
            + "Log Parameters=true;Client Encoding=LATIN1;Minimum Pool Size=50;Maximum Pool Size=100;Timeout=0;Command "
            + "Timeout=0;Enlist=true").Builder;

        Assert.False(
            builder.IncludeErrorDetail || builder.PersistSecurityInfo || builder.LogParameters || builder.NoResetOnClose
            || builder.LoadBalanceHosts);
        Assert.Equal(
            (0, 10, 10, 15, 30, "UTF8"),
            (builder.MaxAutoPrepare, builder.MinPoolSize, builder.MaxPoolSize, builder.Timeout, builder.CommandTimeout,
            builder.ClientEncoding));
    }

    [Theory]
    [InlineData("h:1:d:u:p", "p")]
    [InlineData("*:*:*:*:p", "p")]
    [InlineData("# h:1:d:u:no\nh:1:d:u:p", "p")]
    [InlineData("h:1:d:x:no\nh:2:d:u:no\nh:1:x:u:no\nx:1:d:u:no\nh:1:d:u:p", "p")]
    [InlineData("h:1:d:u:first\nh:1:d:u:second", "first")]
    [InlineData("h:1:d:u:a\\:b\\\\c", "a:b\\c")]
    [InlineData("h:1:d:u: a b ", " a b ")]
    [InlineData("h:1:d:u:*", "*")]
    [InlineData("h:1:d:u:p\r\n", "p")]
    [InlineData("h:1:d:u:a:b", "a")]
    [InlineData("broken\n:::\nh:x:d:u:no\nh:1:d:u:p", "p")]
    [InlineData("h\\h:1:d:u:no\n\\h:1:d:u:p", "p")]
    [InlineData("h:1:d", "")]
    [InlineData("", "")]
    public void A_password_file_is_read_as_libpq_reads_it(string lines, string password)
    {
        Write(".pgpass", lines, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        Assert.Equal(password, PasswordOf("host=h port=1 dbname=d user=u"));
        Assert.Equal("given", Build("host=h port=1 dbname=d user=u password=given").Password);
    }

    [Fact]
    public void The_host_in_a_password_file_is_the_name_then_the_address_then_localhost()
    {
        Write(".pgpass",
            "10.0.0.1:*:*:*:of-address\nnamed:*:*:*:of-name\nlocalhost:*:*:*:of-localhost\n"
                + "/run/pg:*:*:*:of-folder\n::1:*:*:*:no\n\\:\\:1:*:*:*:of-v6",
            UnixFileMode.UserRead | UnixFileMode.UserWrite);

        Assert.Equal("of-address", PasswordOf("hostaddr=10.0.0.1 user=u"));
        Assert.Equal("of-name", PasswordOf("host=named hostaddr=10.0.0.1 user=u"));
        Assert.Equal("of-localhost", PasswordOf("user=u"));
        Assert.Equal("of-localhost", PasswordOf("host=/var/run/postgresql user=u"));
        Assert.Equal("of-folder", PasswordOf("host=/run/pg user=u"));
        Assert.Equal("of-v6", PasswordOf("postgres://u@[::1]/d"));
        Write("other", "*:*:*:*:of-other", UnixFileMode.UserRead);
        variables["PGPASSFILE"] = Path.Combine(home, "other");
        Assert.Equal("of-other", PasswordOf("user=u"));
        Assert.Equal("of-localhost", PasswordOf($"user=u passfile={home}/.pgpass"));
        Assert.Equal("", PasswordOf("user=u passfile=/nowhere/pgpass"));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherExecute)]
    public void A_password_file_that_others_can_read_is_ignored_with_a_warning(UnixFileMode others)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such permissions.");
        Write(".pgpass", "*:*:*:*:S3cret", UnixFileMode.UserRead | UnixFileMode.UserWrite | others);
        var plan = Build("user=u");

        Assert.Equal("", plan.FindPassword(plan.Builder));
        Assert.Contains("group or world access", Assert.Single(plan.Warnings), StringComparison.Ordinal);
    }

    /// <summary>Generated texts give the same keywords and values, or the same refusal, as PQconninfoParse.</summary>
    [Fact]
    public void Libpq_makes_the_same_of_2000_texts()
    {
        Assert.SkipUnless(NativeLibrary.TryLoad("libpq.so.5", out var library), "This machine has no libpq.");
        NativeLibrary.Free(library);
        var random = new Random(5);
        var different = Enumerable.Range(0, 2000).Select(_ => random.Next(2) == 0 ? Keywords(random) : Uri(random)).Select(text =>
        {
            var theirs = Libpq.Parse(text);
            string? ours;
            try
            {
                ours = Written(Conninfo.Parse(text, "x"));
            }
            catch (PerfMonitoringException)
            {
                ours = null;
            }

            // The module refuses a text that would show a part of a password as a host or database.
            var isStricter = ours is null && theirs is not null && text.Contains("://", StringComparison.Ordinal)
                && (text.Count(c => c == '@') > 1
                    || text.IndexOf('@', StringComparison.Ordinal) > text.IndexOf(
                        '/', text.IndexOf("://", StringComparison.Ordinal) + 3)
                    || theirs.Contains('\ufffd', StringComparison.Ordinal));
            return ours == theirs || isStricter ? null : $"{text}\n-- libpq: {theirs}\n-- ours: {ours}";
        }).OfType<string>().ToList();

        Assert.True(different.Count == 0, $"{different.Count}: {string.Join("\n\n", different.Take(5))}");
    }

    private static string Written(IEnumerable<KeyValuePair<string, string>> pairs) => string.Join('\n', pairs
        .GroupBy(p => p.Key).Select(g => $"{g.Key}={g.Last().Value}").Order(StringComparer.Ordinal));

    private static string Keywords(Random random)
    {
        string[] keywords = ["host", "port", "dbname", "user", "password", "options", "application_name", "hostaddr", "sslmode"];
        string[] pieces = ["a", "B", "1", "'", "\\'", "\\\\", "\\", " ", "\t", "=", ";", "\"", "ü", "😀", "%41", "/", "@", ","];
        return string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ =>
        {
            var value = string.Concat(Enumerable.Range(0, random.Next(0, 6)).Select(_ => pieces[random.Next(pieces.Length)]));
            return Pick(random, "", " ", "\n ") + keywords[random.Next(keywords.Length)] + Pick(random, "=", " = ", "= ", " =")
                + Pick(random, value, $"'{value}'", "x") + Pick(random, " ", "", "  ");
        }));
    }

    private static string Uri(Random random)
    {
        string[] pieces = [
            "a", "B", "1", "%20", "%41", "%c3%a9", "%2F", "%", "@", ":", "/", "?", "&", "=", ",", "[", "]", "::1", "-", "_", "'"];
        string Some(int most) =>
            string.Concat(
            Enumerable.Range(0, random.Next(0, most)).Select(_ => pieces[random.Next(random.Next(3) == 0 ? pieces.Length : 6)]));
        return Pick(random, "postgres://", "postgresql://") + Pick(random, "", Some(3) + "@", Some(3) + ":" + Some(5) + "@")
            + Pick(random, Some(3), Some(2) + ":1", "[::1]", "[::1]:2", "a:1,b,c:3", "%2Ftmp")
            + Pick(random, "", "/", "/" + Some(3))
            + Pick(random, "", "?", "?user=" + Some(3), "?password=" + Some(4) + "&port=1", "?host=/tmp&sslmode=require",
            "?ssl=true", "?uzer=1", "?user");
    }

    private static string Pick(Random random, params string[] choices) => choices[random.Next(choices.Length)];

    private string? PasswordOf(string text)
    {
        var plan = Build(text);
        return plan.FindPassword(new Npgsql.NpgsqlConnectionStringBuilder(plan.Builder.ConnectionString));
    }

    private ConnectionPlan Build(string? text) => Build(new ConnectionSettings { ConnectionString = text });

    private ConnectionPlan Build(ConnectionSettings settings) =>
        ConnectionStrings.Build(settings, new LibpqEnvironment(variables.GetValueOrDefault, home));

    private void Write(string name, string text, UnixFileMode? mode = null)
    {
        var path = Path.Combine(home, name);
        File.WriteAllText(path, text);
        if (mode is { } permissions && !OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, permissions);
        }
    }

    private static class Libpq
    {
        public static string? Parse(string text)
        {
            var options = PQconninfoParse(text, out var message);
            if (options == 0)
            {
                PQfreemem(message);
                return null;
            }

            // Each option has five pointers (keyword, envvar, compiled, val, label), another one (dispchar) and an int, padded.
            var pairs = new List<KeyValuePair<string, string>>();
            for (var option = options; Marshal.ReadIntPtr(option) is var keyword && keyword != 0; option += 7 * nint.Size)
            {
                if (Marshal.ReadIntPtr(option, 3 * nint.Size) is var value && value != 0)
                {
                    pairs.Add(new(Marshal.PtrToStringUTF8(keyword)!, Marshal.PtrToStringUTF8(value)!));
                }
            }

            PQconninfoFree(options);
            return Written(pairs);
        }

        [DllImport("libpq.so.5", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static extern nint PQconninfoParse([MarshalAs(UnmanagedType.LPUTF8Str)] string text, out nint message);

        [DllImport("libpq.so.5")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static extern void PQconninfoFree(nint options);

        [DllImport("libpq.so.5")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static extern void PQfreemem(nint message);
    }
}
