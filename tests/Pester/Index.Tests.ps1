Describe 'An index from the decision to its use' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        $script:database = New-JourneyDatabase
        Invoke-Sql -Database $database -Sql @'
            create table visits (id int primary key, guest int not null, seen_at timestamptz not null default now());
            insert into visits (id, guest) select n, n % 5000 from generate_series(1, 50000) as n;
            analyze visits;
'@
        Initialize-PerfMonitoringStore | Out-Null
    }

    AfterAll { Remove-JourneyDatabase $database }

    BeforeEach {
        function Get-IndexCount {
            [int](Invoke-Sql "select count(*) from pg_indexes where tablename = 'visits'" -Database $database)
        }
    }

    It 'refuses a table that is not there, and goes on with the next' {
        $made = [pscustomobject]@{ TableName = 'no_such_table'; Column = 'a' },
            [pscustomobject]@{ TableName = 'visits'; Column = 'seen_at' } |
            New-IndexStrategy -ErrorVariable failures -ErrorAction SilentlyContinue
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'TableNotFound,*'
        $made.TableName | Should -Be 'public.visits'
        $made | Remove-IndexStrategy -Confirm:$false
    }

    It 'takes no name for anything but a name' {
        { New-IndexStrategy -TableName 'visits"; drop table visits; --' -Column guest -ErrorAction Stop } | Should -Throw
        Get-IndexCount | Should -Be 1
    }

    It 'shows the statement with -WhatIf and leaves the database as it is' {
        $script:strategy = New-IndexStrategy -TableName visits -Column guest, seen_at
        $strategy.IndexDefinition | Should -BeLike 'CREATE INDEX CONCURRENTLY * ON public.visits *(guest, seen_at)'
        $strategy | Invoke-IndexCreation -WhatIf
        Get-IndexCount | Should -Be 1
    }

    It 'builds the index and remembers that it did' {
        $result = $strategy | Invoke-IndexCreation -Confirm:$false
        $result.State | Should -Be 'Created'
        $result.SizeBytes | Should -BeGreaterThan 0
        Get-IndexCount | Should -Be 2
        (Get-IndexStrategy -Id $strategy.Id).IsCreated | Should -BeTrue
    }

    It 'recognises an index that is there' {
        ($strategy | Invoke-IndexCreation -Confirm:$false).State | Should -Not -Be 'Created'
        Get-IndexCount | Should -Be 2
    }

    It 'tells how each index is used, and spares the primary key' {
        $usage = Get-IndexUsageStat -TableName visits
        $usage.IndexName | Should -Contain $strategy.IndexName
        $key = $usage | Where-Object IndexName -EQ 'visits_pkey'
        $key.IsRecommendedForDrop | Should -BeFalse
        $key.Blockers | Should -Not -BeNullOrEmpty
    }
}
