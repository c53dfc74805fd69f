# What a user sees of the objects, and what files keep of them: in the real shell, and without a server.
Describe 'The output of the cmdlets' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'Journey.psm1')
        function New-Target([string] $Database) {
            [PerfMonitoring.Common.ServerTarget]@{ HostName = 'db1.example.org'; Port = 5432; Database = $Database }
        }

        $why = 'The statistics reach back 3 days, and 7 are needed before an index may count as unused.'
        $script:usage = foreach ($database in 'shop', 'archive') {
            [PerfMonitoring.Usage.IndexUsageStat]@{
                TableName = 'public.orders'; IndexName = 'orders_idx'; TotalScans = 12; IndexSizeBytes = 3MB; Reasons = 'unused'
                Blockers = @{ Code = 'StatisticsAge'; Text = $why }; LastAnalyzed = [datetime]'2026-01-01'
                SelectivityRatio = 1 / 3; Target = New-Target $database
            }
        }
        $script:failed = [PerfMonitoring.Changes.IndexCreationResult]@{
            TableName = 'public.orders'; IndexName = 'orders_idx'; State = 'Deferred'; Reason = $why
            SizeBytes = 5MB; Target = New-Target shop
        }
        $script:strategy = [PerfMonitoring.Strategies.IndexStrategy]@{
            TableName = 'public.orders'; IndexName = 'orders_idx'; Columns = 'customer_id', 'status'
            CostBefore = 3; CostAfter = 1
        }

        # The words of a text that was wrapped into columns.
        function Get-Word([string] $Text) { $Text -replace '\s' }

        # Marks objects as the cmdlets do while sessions on several databases are open.
        filter Add-Mark { $_.PSObject.TypeNames.Insert(0, "$($_.GetType().FullName)#Target"); $_ }
    }

    It 'shows the verdict and its reason at <_> columns' -ForEach 80, 120 {
        foreach ($item in $usage[0], $failed) {
            $lines = ($item | Out-String -Width $_) -split '\r?\n'
            ($lines.TrimEnd().Length | Measure-Object -Maximum).Maximum | Should -BeLessOrEqual $_
            $lines | Should -Not -Match '\u001b'
            $row = "$($lines | Select-String 'orders_idx')"
            $row | Should -Match 'orders_idx\s+(Blocked|Deferred)'
            $row | Should -Match '(3|5)\.0'
            # The reason is the last column at 80, so its words follow each other.
            if ($_ -eq 80) {
                $at = $lines[1].IndexOf('Reason')
                $lines = $lines | Where-Object Length -GT $at
                Get-Word (-join $lines.Substring($at)) | Should -Match 'Thestatisticsreachback3days,and7areneeded'
            }
        }
    }

    It 'tells rows of two databases apart at <_> columns' -ForEach 80, 120 {
        $rows = $usage[0], $usage[1], $usage[0] | Add-Mark
        foreach ($text in @(
                $rows | Out-String -Width $_
                $rows | Format-Table | Out-String -Width $_)) {
            $text | Should -Match 'Target\s+Index\s+Drop'
            ([regex]::Matches($text, 'db1\.example\.org')).Count | Should -Be 3
            $text | Should -Match '32/shop'
            $text | Should -Match '32/archive'
            # One table, and no heading for each change of the database.
            ([regex]::Matches($text, 'Drop')).Count | Should -Be 1
        }
        $file = Join-Path $TestDrive rows.txt
        $rows | Out-File $file -Width $_
        Get-Content $file -Raw | Should -Match '32/archive'
    }

    It 'colours a state by the style of the user, and not in a file' {
        $file = Join-Path $TestDrive states.txt
        $failed | Out-File $file
        Get-Content $file -Raw | Should -Not -Match '\u001b'
        $old = $PSStyle.OutputRendering
        try {
            $PSStyle.OutputRendering = 'Ansi'
            $text = $failed | Out-String -Width 80
            $text | Should -Match ([regex]::Escape($PSStyle.Formatting.Warning) + 'Deferred')
            # The colour has no width.
            $plain = $text -replace '\u001b\[[0-9;]*m' -split '\r?\n'
            $plain.TrimEnd().Length | ForEach-Object { $_ | Should -BeLessOrEqual 80 }
            $PSStyle.OutputRendering = 'PlainText'
            $failed | Out-String | Should -Not -Match '\u001b'
        } finally {
            $PSStyle.OutputRendering = $old
        }
    }

    It 'sorts, filters and selects by what the headings say' {
        $small = [PerfMonitoring.Usage.IndexUsageStat]@{ IndexName = 'small'; TotalScans = 99; IndexSizeBytes = 1MB }
        ($usage[0], $small | Sort-Object Size).IndexName | Should -Be 'small', 'orders_idx'
        ($small, $usage[0] | Sort-Object Scans).IndexName | Should -Be 'orders_idx', 'small'
        ($usage[0], $small | Where-Object Size -LT 2).IndexName | Should -Be 'small'
        ($usage[0], $small | Where-Object Drop -EQ blocked).IndexName | Should -Be 'orders_idx'
        ($usage[0], $small | Where-Object Drop -EQ no).IndexName | Should -Be 'small'
        ($usage[0], $small | Where-Object Index -Like 'orders*' | Select-Object Table, Size).Size | Should -Be 3
        ($strategy | Where-Object Gain -GT 66).IndexName | Should -Be 'orders_idx'
    }

    It 'keeps words, lists and short figures in JSON' {
        $json = $usage[0], $strategy | ConvertTo-Json -Depth 3 -WarningAction Ignore
        $json | Should -Match '"Drop": "Blocked"'
        $json | Should -Match '"Code": "StatisticsAge"'
        $json | Should -Match '"SelectivityRatio": 0\.333333,'
        $json | Should -Match '"GainShare": 0\.666667,'
        $back = $json | ConvertFrom-Json
        $back[1].Columns | Should -Be 'customer_id', 'status'
        $back[1].UsagePattern | Should -BeOfType string
        $back[0].PSObject.Properties.Name | Should -Not -Contain 'Scans'
    }

    It 'keeps lists in CSV' {
        $csv = $strategy | ConvertTo-Csv
        $csv | Should -Not -Match 'System\.|PerfMonitoring\.'
        ($csv | ConvertFrom-Csv).Columns | Should -Be 'customer_id; status'
        $usage + $failed | ForEach-Object { $_ | ConvertTo-Csv } | Should -Not -Match 'System\.|PerfMonitoring\.'
        ($usage | ConvertTo-Csv | ConvertFrom-Csv)[1].Blockers | Should -Be $usage[1].Blockers[0].Text
    }

    It 'takes lists from the shell as arrays' {
        $strategy.Columns[0] | Should -Be 'customer_id'
        $strategy.Columns[-1] | Should -Be 'status'
        $strategy.Columns -contains 'status' | Should -BeTrue
        $strategy.Columns -join '+' | Should -Be 'customer_id+status'
        $usage[0].Blockers.Code | Should -Be 'StatisticsAge'
        @($strategy.Include).Count | Should -Be 0
    }
}
