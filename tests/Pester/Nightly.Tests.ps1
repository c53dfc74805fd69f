Describe 'The nightly runbook' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $script:database = New-VisitDatabase
        $script:kept = $env:PGDATABASE, $env:PSModulePath
        $env:PGDATABASE = $database
        $env:PSModulePath = (Join-Path $PSScriptRoot '../../artifacts/module') + [IO.Path]::PathSeparator + $env:PSModulePath
    }

    AfterAll {
        $env:PGDATABASE, $env:PSModulePath = $kept
        Remove-JourneyDatabase $database
    }

    BeforeEach {
        # As a scheduler does: a process of its own.
        function Invoke-Night {
            $errors = Join-Path $TestDrive 'errors.txt'
            $output = Invoke-FreshPwsh -File (Join-Path $PSScriptRoot '../../docs/examples/nightly.ps1') @args 2> $errors
            [pscustomobject]@{ ExitCode = $LASTEXITCODE; Output = $output -join "`n"; Errors = (Get-Content -Raw $errors) }
        }

        function Get-State {
            Invoke-Sql "select indexdef from pg_indexes where tablename = 'visits' order by indexname" -Database $database
            Invoke-Sql -Database $database ('select action, outcome, finished_at ' +
                'from perf_monitoring.index_action order by started_at')
            Invoke-Sql -Database $database ('select id, index_name, is_created ' +
                'from perf_monitoring.index_strategy order by index_name')
        }
    }

    It 'builds what is needed' {
        $night = Invoke-Night -MaintenanceWindow Immediate
        $night.Errors | Should -BeNullOrEmpty
        $night.ExitCode | Should -Be 0
        $night.Output | Should -BeLike '*Created*'
        Get-State | Should -Contain 'CREATE INDEX visits_guest_idx ON public.visits USING btree (guest)'
    }

    It 'changes nothing a second time' {
        $before = Get-State
        $night = Invoke-Night -MaintenanceWindow Immediate
        $night.Errors | Should -BeNullOrEmpty
        $night.ExitCode | Should -Be 0
        Get-State | Should -Be $before
    }

    It 'tells what failed, on the error stream and by its exit code' {
        New-IndexStrategy -TableName visits -Column seen -Unique | Out-Null
        $night = Invoke-Night -MaintenanceWindow Immediate
        $night.ExitCode | Should -Be 1
        $night.Errors | Should -BeLike '*visits_seen_idx*duplicates*'
    }

    It 'ends at once where there is no server' {
        $port, $env:PGPORT = $env:PGPORT, 1
        try { $night = Invoke-Night } finally { $env:PGPORT = $port }
        $night.ExitCode | Should -Be 2
        $night.Errors | Should -Not -BeNullOrEmpty
    }
}
