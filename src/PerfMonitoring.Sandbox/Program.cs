return await PerfMonitoring.Sandbox.SandboxCommand.RunAsync(args);
