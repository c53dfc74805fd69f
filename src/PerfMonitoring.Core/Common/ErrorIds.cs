namespace PerfMonitoring.Common;

/// <summary>
/// The ids of errors. Each id has one meaning and, unless its summary says otherwise, one kind. Composed ids are not listed here:
/// "Invalid" plus the name of a parameter that is out of its limits, and the noun of a cmdlet plus "Cancelled" or "Interrupted".
/// </summary>
public static class ErrorIds
{
    /// <summary>The history has no such action.</summary>
    public const string ActionNotFound = nameof(ActionNotFound);

    /// <summary>A change was made, but its outcome could not be written to the store.</summary>
    public const string ActionNotRecorded = nameof(ActionNotRecorded);

    /// <summary>Several indexes have the name; the schema is required.</summary>
    public const string AmbiguousIndexName = nameof(AmbiguousIndexName);

    /// <summary>The server does not accept the login.</summary>
    public const string AuthenticationFailed = nameof(AuthenticationFailed);

    /// <summary>The last advice did not consider such an index.</summary>
    public const string CandidateNotFound = nameof(CandidateNotFound);

    /// <summary>The client certificate or its key cannot be used.</summary>
    public const string ClientCertificateInvalid = nameof(ClientCertificateInvalid);

    /// <summary>No column and no expression is given for an index.</summary>
    public const string ColumnMissing = nameof(ColumnMissing);

    /// <summary>The table has no such column.</summary>
    public const string ColumnNotFound = nameof(ColumnNotFound);

    /// <summary>Another process is changing the configuration file.</summary>
    public const string ConfigurationBusy = nameof(ConfigurationBusy);

    /// <summary>A configuration file, or a value in it, cannot be used.</summary>
    public const string ConfigurationInvalid = nameof(ConfigurationInvalid);

    /// <summary>A configuration file cannot be written.</summary>
    public const string ConfigurationNotWritten = nameof(ConfigurationNotWritten);

    /// <summary>A configuration file exists and cannot be read.</summary>
    public const string ConfigurationUnreadable = nameof(ConfigurationUnreadable);

    /// <summary>Others than the user and root can change a configuration file.</summary>
    public const string ConfigurationUnsafe = nameof(ConfigurationUnsafe);

    /// <summary>The server cannot be reached, or the connection broke.</summary>
    public const string ConnectionFailed = nameof(ConnectionFailed);

    /// <summary>The command of an inventory gives no credential.</summary>
    public const string CredentialCommandFailed = nameof(CredentialCommandFailed);

    /// <summary>A maintenance window has no schedule.</summary>
    public const string CronExpressionMissing = nameof(CronExpressionMissing);

    /// <summary>Other sessions use the database in which real indexes were to be tried.</summary>
    public const string DatabaseInUse = nameof(DatabaseInUse);

    /// <summary>The server has no such database.</summary>
    public const string DatabaseNotFound = nameof(DatabaseNotFound);

    /// <summary>The session may not read the identity of its cluster, so nothing proves that an object belongs to it.</summary>
    public const string DatabaseUnproven = nameof(DatabaseUnproven);

    /// <summary>The server ended a change to resolve a deadlock.</summary>
    public const string Deadlock = nameof(Deadlock);

    /// <summary>The definition of an index is longer than the store allows.</summary>
    public const string DefinitionTooLong = nameof(DefinitionTooLong);

    /// <summary>The disk of the monitored server is full.</summary>
    public const string DiskFull = nameof(DiskFull);

    /// <summary>A column occurs twice in an index.</summary>
    public const string DuplicateColumn = nameof(DuplicateColumn);

    /// <summary>A unique index is not possible: the table holds duplicates.</summary>
    public const string DuplicateValues = nameof(DuplicateValues);

    /// <summary>The same index exists already.</summary>
    public const string EqualIndexExists = nameof(EqualIndexExists);

    /// <summary>The database does not have the extension pg_stat_statements.</summary>
    public const string ExtensionMissing = nameof(ExtensionMissing);

    /// <summary>The server does not load pg_stat_statements.</summary>
    public const string ExtensionNotLoaded = nameof(ExtensionNotLoaded);

    /// <summary>The version of pg_stat_statements is too old.</summary>
    public const string ExtensionTooOld = nameof(ExtensionTooOld);

    /// <summary>-Force and -WaitForWindow exclude each other.</summary>
    public const string ForceAndWait = nameof(ForceAndWait);

    /// <summary>The database does not have HypoPG.</summary>
    public const string HypoPgMissing = nameof(HypoPgMissing);

    /// <summary>Another session is building the index.</summary>
    public const string IndexBeingBuilt = nameof(IndexBeingBuilt);

    /// <summary>The index is not the intended one: it was replaced, renamed or moved.</summary>
    public const string IndexChanged = nameof(IndexChanged);

    /// <summary>The server could not check the definition of an index.</summary>
    public const string IndexCheckFailed = nameof(IndexCheckFailed);

    /// <summary>The strategy of an index has a different definition from the index.</summary>
    public const string IndexDiffersFromStrategy = nameof(IndexDiffersFromStrategy);

    /// <summary>A row of the table does not fit into the index.</summary>
    public const string IndexEntryTooLarge = nameof(IndexEntryTooLarge);

    /// <summary>The expression or condition of an index raises an error for a row.</summary>
    public const string IndexExpressionFailed = nameof(IndexExpressionFailed);

    /// <summary>The database does not have HypoPG 1.4, which can hide indexes.</summary>
    public const string IndexHidingMissing = nameof(IndexHidingMissing);

    /// <summary>The index must not be dropped: something depends on it.</summary>
    public const string IndexIsNeeded = nameof(IndexIsNeeded);

    /// <summary>Another index or table has the name.</summary>
    public const string IndexNameTaken = nameof(IndexNameTaken);

    /// <summary>No B-tree of that name is known to be that bloated.</summary>
    public const string IndexNotBloated = nameof(IndexNotBloated);

    /// <summary>The audit has no build of the index by PerfMonitoring.</summary>
    public const string IndexNotCreated = nameof(IndexNotCreated);

    /// <summary>There is no such index.</summary>
    public const string IndexNotFound = nameof(IndexNotFound);

    /// <summary>No index of that name is invalid.</summary>
    public const string IndexNotInvalid = nameof(IndexNotInvalid);

    /// <summary>The server could not create the hypothetical or real index that the planner is asked about.</summary>
    public const string IndexNotTried = nameof(IndexNotTried);

    /// <summary>-IndexType does not fit the definition.</summary>
    public const string IndexTypeMismatch = nameof(IndexTypeMismatch);

    /// <summary>The index was invalid, but somebody has made it valid or is building it now.</summary>
    public const string IndexWorkedOn = nameof(IndexWorkedOn);

    /// <summary>-AlertConfiguration cannot be stored.</summary>
    public const string InvalidAlertConfiguration = nameof(InvalidAlertConfiguration);

    /// <summary>An argument is out of its limits or of the wrong form.</summary>
    public const string InvalidArgument = nameof(InvalidArgument);

    /// <summary>A setting of the connection has an impossible value.</summary>
    public const string InvalidConnectionSetting = nameof(InvalidConnectionSetting);

    /// <summary>The connection string cannot be read.</summary>
    public const string InvalidConnectionString = nameof(InvalidConnectionString);

    /// <summary>A cron expression cannot be read.</summary>
    public const string InvalidCronExpression = nameof(InvalidCronExpression);

    /// <summary>An expression or condition is not one SQL expression.</summary>
    public const string InvalidExpression = nameof(InvalidExpression);

    /// <summary>PostgreSQL does not accept the definition of an index.</summary>
    public const string InvalidIndexDefinition = nameof(InvalidIndexDefinition);

    /// <summary>An invalid index is left and could not be dropped.</summary>
    public const string InvalidIndexLeft = nameof(InvalidIndexLeft);

    /// <summary>An inventory, or the table of one server, cannot be used as it is written.</summary>
    public const string InvalidInventory = nameof(InvalidInventory);

    /// <summary>The name is not possible in PostgreSQL.</summary>
    public const string InvalidName = nameof(InvalidName);

    /// <summary>A pattern with wildcards cannot be used.</summary>
    public const string InvalidPattern = nameof(InvalidPattern);

    /// <summary>A statement of -Query cannot be planned.</summary>
    public const string InvalidQuery = nameof(InvalidQuery);

    /// <summary>A line of the service file cannot be read.</summary>
    public const string InvalidServiceFile = nameof(InvalidServiceFile);

    /// <summary>-Name cannot be the name of a session.</summary>
    public const string InvalidSessionName = nameof(InvalidSessionName);

    /// <summary>The limits of a threshold contradict each other.</summary>
    public const string InvalidThreshold = nameof(InvalidThreshold);

    /// <summary>The machine does not know the time zone.</summary>
    public const string InvalidTimeZone = nameof(InvalidTimeZone);

    /// <summary>The inventory has no such server, group, tag or host.</summary>
    public const string InventoryEntryNotFound = nameof(InventoryEntryNotFound);

    /// <summary>Everybody can change the inventory file, and with it where passwords are sent.</summary>
    public const string InventoryExposed = nameof(InventoryExposed);

    /// <summary>The inventory file does not exist.</summary>
    public const string InventoryNotFound = nameof(InventoryNotFound);

    /// <summary>The inventory file cannot be read.</summary>
    public const string InventoryUnreadable = nameof(InventoryUnreadable);

    /// <summary>A lock did not come within its limit.</summary>
    public const string LockTimeout = nameof(LockTimeout);

    /// <summary>The session has not given advice before.</summary>
    public const string NoAdvice = nameof(NoAdvice);

    /// <summary>The server did not answer in time.</summary>
    public const string NoAnswer = nameof(NoAnswer);

    /// <summary>There are sessions, and none of them is the default one.</summary>
    public const string NoDefaultSession = nameof(NoDefaultSession);

    /// <summary>There is no threshold to test.</summary>
    public const string NoThreshold = nameof(NoThreshold);

    /// <summary>There is no session.</summary>
    public const string NotConnected = nameof(NotConnected);

    /// <summary>The text is not one statement that has a plan.</summary>
    public const string NotPlannable = nameof(NotPlannable);

    /// <summary>The index is not recommended for drop, and -Force is not given.</summary>
    public const string NotRecommendedForDrop = nameof(NotRecommendedForDrop);

    /// <summary>The action did not drop an index, so nothing can be undone.</summary>
    public const string NotUndoable = nameof(NotUndoable);

    /// <summary>No change is requested.</summary>
    public const string NothingToChange = nameof(NothingToChange);

    /// <summary>An object from the pipeline lacks a property that proves its origin.</summary>
    public const string ObjectIncomplete = nameof(ObjectIncomplete);

    /// <summary>A property of an object from the pipeline cannot be read.</summary>
    public const string ObjectUnreadable = nameof(ObjectUnreadable);

    /// <summary>An object from the pipeline belongs to another database.</summary>
    public const string OtherDatabase = nameof(OtherDatabase);

    /// <summary>A partition is a foreign table, which cannot have an index.</summary>
    public const string PartitionNotIndexable = nameof(PartitionNotIndexable);

    /// <summary>Partitions were added while their indexes were built.</summary>
    public const string PartitionsChanged = nameof(PartitionsChanged);

    /// <summary>An inventory holds a password.</summary>
    public const string PasswordInInventory = nameof(PasswordInInventory);

    /// <summary>The role lacks a right.</summary>
    public const string PermissionDenied = nameof(PermissionDenied);

    /// <summary>The server does not plan a statement.</summary>
    public const string PlanFailed = nameof(PlanFailed);

    /// <summary>A plan has more levels than the module reads.</summary>
    public const string PlanTooDeep = nameof(PlanTooDeep);

    /// <summary>The server logs every plan (auto_explain), and cannot log one with hypothetical indexes.</summary>
    public const string PlansLogged = nameof(PlansLogged);

    /// <summary>The connection goes through a pooler, but a session is required.</summary>
    public const string PooledConnection = nameof(PooledConnection);

    /// <summary>The preflight found a blocker; the kind is that of the first blocker.</summary>
    public const string PreflightBlocked = nameof(PreflightBlocked);

    /// <summary>Others can read the private key.</summary>
    public const string PrivateKeyExposed = nameof(PrivateKeyExposed);

    /// <summary>A fingerprint does not match the text beside it.</summary>
    public const string QueryHashMismatch = nameof(QueryHashMismatch);

    /// <summary>The server is a standby or read-only.</summary>
    public const string ReadOnly = nameof(ReadOnly);

    /// <summary>The history has no such drop.</summary>
    public const string RemovalNotFound = nameof(RemovalNotFound);

    /// <summary>The history does not hold the definition of a dropped index.</summary>
    public const string RemovalNotReadable = nameof(RemovalNotReadable);

    /// <summary>-Replica is not a standby.</summary>
    public const string ReplicaIsNotStandby = nameof(ReplicaIsNotStandby);

    /// <summary>-Replica is not a standby of the server of the session.</summary>
    public const string ReplicaOfOtherServer = nameof(ReplicaOfOtherServer);

    /// <summary>Whether -Replica is a standby of the server cannot be determined.</summary>
    public const string ReplicaUnknown = nameof(ReplicaUnknown);

    /// <summary>The server has no such role.</summary>
    public const string RoleNotFound = nameof(RoleNotFound);

    /// <summary>The root certificate file cannot be used.</summary>
    public const string RootCertificateInvalid = nameof(RootCertificateInvalid);

    /// <summary>The certificate of the server is not accepted.</summary>
    public const string ServerCertificateRefused = nameof(ServerCertificateRefused);

    /// <summary>The server did not answer a moment ago, so it is not asked again for a while.</summary>
    public const string ServerDown = nameof(ServerDown);

    /// <summary>The server reports an error that has no specific id.</summary>
    public const string ServerError = nameof(ServerError);

    /// <summary>The server is given by more than one parameter.</summary>
    public const string ServerGivenTwice = nameof(ServerGivenTwice);

    /// <summary>The server is older than PostgreSQL 13.</summary>
    public const string ServerTooOld = nameof(ServerTooOld);

    /// <summary>The service file may not be read.</summary>
    public const string ServiceFileUnreadable = nameof(ServiceFileUnreadable);

    /// <summary>There is no such service, or no service file.</summary>
    public const string ServiceNotFound = nameof(ServiceNotFound);

    /// <summary>The session was disconnected.</summary>
    public const string SessionClosed = nameof(SessionClosed);

    /// <summary>A session has the name already.</summary>
    public const string SessionExists = nameof(SessionExists);

    /// <summary>The session is on a standby where a primary is needed.</summary>
    public const string SessionIsStandby = nameof(SessionIsStandby);

    /// <summary>There is no session of the name.</summary>
    public const string SessionNotFound = nameof(SessionNotFound);

    /// <summary>A session came from a file, a job or Select-Object.</summary>
    public const string SessionNotLive = nameof(SessionNotLive);

    /// <summary>The configuration has no such setting.</summary>
    public const string SettingNotFound = nameof(SettingNotFound);

    /// <summary>Older transactions did not end within the limit.</summary>
    public const string SnapshotTimeout = nameof(SnapshotTimeout);

    /// <summary>A statement took longer than its limit.</summary>
    public const string StatementTimeout = nameof(StatementTimeout);

    /// <summary>A statement of another database has characters that this database's encoding lacks.</summary>
    public const string StatementsUnreadable = nameof(StatementsUnreadable);

    /// <summary>The store cannot take any more data.</summary>
    public const string StoreFull = nameof(StoreFull);

    /// <summary>The store is given in two ways.</summary>
    public const string StoreGivenTwice = nameof(StoreGivenTwice);

    /// <summary>A migration of the store failed and was rolled back.</summary>
    public const string StoreMigrationFailed = nameof(StoreMigrationFailed);

    /// <summary>There is no store, or its version is too old.</summary>
    public const string StoreMissing = nameof(StoreMissing);

    /// <summary>The store could run the code of other users.</summary>
    public const string StoreNotTrusted = nameof(StoreNotTrusted);

    /// <summary>The store belongs to a newer version of the module.</summary>
    public const string StoreTooNew = nameof(StoreTooNew);


    /// <summary>The strategy differs from the one in the store.</summary>
    public const string StrategyChanged = nameof(StrategyChanged);

    /// <summary>The index was created from a strategy with another definition.</summary>
    public const string StrategyExists = nameof(StrategyExists);

    /// <summary>The store has no such strategy.</summary>
    public const string StrategyNotFound = nameof(StrategyNotFound);

    /// <summary>An index was changed, but its strategy could not be updated; the kind is that of the cause.</summary>
    public const string StrategyNotMarked = nameof(StrategyNotMarked);

    /// <summary>The strategy is not stored.</summary>
    public const string StrategyNotStored = nameof(StrategyNotStored);

    /// <summary>The strategy was removed.</summary>
    public const string StrategyRemoved = nameof(StrategyRemoved);

    /// <summary>The name of a table is longer than the store allows.</summary>
    public const string TableNameTooLong = nameof(TableNameTooLong);

    /// <summary>The metric is not measured for a table.</summary>
    public const string TableNotAllowed = nameof(TableNotAllowed);

    /// <summary>There is no such table.</summary>
    public const string TableNotFound = nameof(TableNotFound);

    /// <summary>The relation cannot have an index.</summary>
    public const string TableNotIndexable = nameof(TableNotIndexable);

    /// <summary>The metric already has an active threshold.</summary>
    public const string ThresholdExists = nameof(ThresholdExists);

    /// <summary>There is no such threshold.</summary>
    public const string ThresholdNotFound = nameof(ThresholdNotFound);

    /// <summary>The TLS handshake failed.</summary>
    public const string TlsFailed = nameof(TlsFailed);

    /// <summary>The server offers no TLS, and the SSL mode demands it.</summary>
    public const string TlsNotOffered = nameof(TlsNotOffered);

    /// <summary>No connection is free.</summary>
    public const string TooManyConnections = nameof(TooManyConnections);

    /// <summary>An argument does not belong to any parameter.</summary>
    public const string UnexpectedArgument = nameof(UnexpectedArgument);

    /// <summary>The metric is not measured in that unit.</summary>
    public const string UnitNotAllowed = nameof(UnitNotAllowed);

    /// <summary>A setting of the connection is not supported.</summary>
    public const string UnsupportedConnectionSetting = nameof(UnsupportedConnectionSetting);

    /// <summary>Planning a statement could run code of a less trusted role.</summary>
    public const string UntrustedCode = nameof(UntrustedCode);

    /// <summary>The verdict on an index is no longer Regressed.</summary>
    public const string VerdictChanged = nameof(VerdictChanged);

    /// <summary>The maintenance window is always open and cannot have a schedule.</summary>
    public const string WindowHasNoSchedule = nameof(WindowHasNoSchedule);

    /// <summary>The server is not of the requested kind (target_session_attrs).</summary>
    public const string WrongServer = nameof(WrongServer);
}
