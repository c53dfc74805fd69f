# What the journeys share. The server is the one that the PG* variables name; every file has a database of its own on it.

Import-Module -Name (Join-Path $PSScriptRoot '../../artifacts/module/PerfMonitoring/PerfMonitoring.psd1') -Global

# Starts pwsh as a new process, with the arguments of pwsh.
function Invoke-FreshPwsh {
    & (Join-Path $PSHOME pwsh) -NoProfile -NonInteractive @args
}

# Runs SQL text as a person would, by psql; one line a row.
function Invoke-Sql {
    param([Parameter(Mandatory)] [string] $Sql, [string] $Database = $env:PGDATABASE)
    $lines = psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname=$Database --command=$Sql
    if ($LASTEXITCODE -ne 0) { throw "psql ended with exit code $LASTEXITCODE." }
    $lines
}

# Makes a database and connects to it.
function New-JourneyDatabase {
    $name = 'journey_' + [guid]::NewGuid().ToString('N').Substring(0, 8)
    Invoke-Sql "create database $name"
    Connect-PerfMonitoring -Database $name | Out-Null
    $name
}

# One with a table of guests' visits, and queries by guest that an index would serve.
function New-VisitDatabase {
    $name = New-JourneyDatabase
    Invoke-Sql -Database $name -Sql @'
        create extension pg_stat_statements;
        create extension hypopg;
        create table visits (id int primary key, guest int not null, seen int not null default 0);
        insert into visits (id, guest) select n, n % 5000 from generate_series(1, 50000) as n;
        analyze visits;
'@
    1..20 | ForEach-Object { Invoke-Sql "select id from visits where guest = $_" -Database $name | Out-Null }
    $name
}

function Remove-JourneyDatabase {
    param([Parameter(Mandatory)] [string] $Name)
    Get-PerfMonitoringSession | Disconnect-PerfMonitoring
    Invoke-Sql "drop database $Name with (force)"
}

Export-ModuleMember -Function *
