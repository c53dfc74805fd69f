return await PerfMonitoring.Shell.ShellCommand.RunAsync(args);
