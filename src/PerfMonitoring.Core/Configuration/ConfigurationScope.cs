namespace PerfMonitoring.Configuration;

/// <summary>Whom a configuration file is for.</summary>
public enum ConfigurationScope
{
    /// <summary>The user of this process. It goes before the machine's.</summary>
    User,
    /// <summary>All users of this machine.</summary>
    Machine,
}

/// <summary>Where the value of a setting comes from.</summary>
public enum SettingSource : long
{
    /// <summary>The module: nobody has set it.</summary>
    BuiltIn,
    /// <summary>The file of the machine.</summary>
    Machine,
    /// <summary>The file of the user.</summary>
    User,
}
