namespace PerfMonitoring.Sandbox;

/// <summary>Finds the working copy from which the running program was built.</summary>
public static class Repository
{
    /// <summary>The folder that holds PerfMonitoring.sln.</summary>
    /// <exception cref="DirectoryNotFoundException">The program was moved out of the working copy.</exception>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "PerfMonitoring.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No PerfMonitoring.sln above {AppContext.BaseDirectory}");
    }
}
