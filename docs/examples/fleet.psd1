# The servers of a fleet, for Connect-PerfMonitoring -Inventory fleet.psd1. It is data: nothing in it runs, and no password stands
# in it. Keys are parameters of Connect-PerfMonitoring. A key of the server counts, else that of its group, else that of All.
@{
    All = @{
        # The password of this role is in pgpass.
        UserName = 'perf_monitor'
        SslMode = 'verify-full'
        ConnectTimeout = '5s'
        # All databases of a server that the role may connect to.
        Database = '*'
        # One store for all, on a server of its own.
        StoreHostName = 'admin.example.com'
        StoreDatabase = 'perf'
        StoreUserName = 'perf_store'
        StoreSslMode = 'verify-full'
        MaintenanceWindows = @{
            OffPeak = @{ CronExpression = '0 22 * * *'; Duration = '6h'; TimeZone = 'Europe/Berlin' }
        }
        Thresholds = @(
            @{ MetricType = 'QueryTime'; Warning = '500ms'; Critical = '2s' }
            @{ MetricType = 'CacheHitRatio'; Warning = 0.95; Critical = 0.90 }
        )
    }

    Groups = @{
        prod = @{
            Tags = 'critical'
            # A command of the session that gives one PSCredential. It runs once for the group. Its verb is Get, or it is
            # Import-Clixml.
            CredentialCommand = @{ Command = 'Get-Secret'; Parameters = @{ Name = 'perf_monitor'; Vault = 'prod' } }
        }
        test = @{
            SslMode = 'prefer'
            # The store is in each database. A level with a key of the store stands for the whole store.
            StoreDatabase = $null
        }
    }

    Servers = @(
        @{ Name = 'shop'; HostName = 'db1.example.com'; Group = 'prod'; Tags = 'eu' }
        @{ Name = 'crm'; HostName = 'db2.example.com'; Port = 5433; Group = 'prod'; Database = 'crm', 'crm_archive' }
        # A section of ~/.pg_service.conf
        @{ Name = 'billing'; Service = 'billing'; Group = 'prod'; Database = 'billing'
            MaintenanceWindows = @{ OffPeak = @{ CronExpression = '0 1 * * 6'; Duration = '3h' } } }
        @{ Name = 'test'; HostName = 'localhost'; Group = 'test'; Database = 'shop_*' }
    )
}
