-- Relations of Materialize about what does not exist here (other kinds of sources and connections, AWS, licences, metrics of
-- replicas) or is never noted (statements: the sample rate of the recording is 0). They have its columns and no rows.

create view mz_catalog.mz_aws_privatelink_connections as
select
    null::text as id, null::text as principal
where false;

create view mz_catalog.mz_egress_ips as
select
    null::text as egress_ip, null::integer as prefix_length, null::text as cidr
where false;

create view mz_catalog.mz_iceberg_sinks as
select
    null::text as id, null::text as namespace, null::text as table
where false;

create view mz_catalog.mz_role_auth as
select
    null::text as role_id, null::oid as role_oid, null::text as password_hash, null::timestamptz as updated_at
where false;

create view mz_catalog.mz_ssh_tunnel_connections as
select
    null::text as id, null::text as public_key_1, null::text as public_key_2
where false;

create view mz_internal.mz_activity_log_thinned as
select
    null::uuid as execution_id, null::double precision as sample_rate, null::text as cluster_id, null::text as
    application_name, null::text as cluster_name, null::text as database_name, null::text[] as search_path, null::text
    as transaction_isolation, null::mz_catalog.uint8 as execution_timestamp, null::text as transient_index_id,
    null::text[] as params, null::text as mz_version, null::timestamptz as began_at, null::timestamptz as finished_at,
    null::text as finished_status, null::text as error_message, null::bigint as result_size, null::bigint as
    rows_returned, null::text as execution_strategy, null::mz_catalog.uint8 as transaction_id, null::uuid as
    prepared_statement_id, null::bytea as sql_hash, null::text as prepared_statement_name, null::uuid as session_id,
    null::timestamptz as prepared_at, null::text as statement_type, null::mz_catalog.uint8 as throttled_count,
    null::timestamptz as connected_at, null::text as initial_application_name, null::text as authenticated_user
where false;

create view mz_internal.mz_aws_connections as
select
    null::text as id, null::text as endpoint, null::text as region, null::text as access_key_id, null::text as
    access_key_id_secret_id, null::text as secret_access_key_secret_id, null::text as session_token, null::text as
    session_token_secret_id, null::text as assume_role_arn, null::text as assume_role_session_name, null::text as
    principal, null::text as external_id, null::jsonb as example_trust_policy
where false;

create view mz_internal.mz_aws_privatelink_connection_status_history as
select
    null::timestamptz as occurred_at, null::text as connection_id, null::text as status
where false;

create view mz_internal.mz_aws_privatelink_connection_statuses as
select
    null::text as id, null::text as name, null::timestamptz as last_status_change_at, null::text as status
where false;

create view mz_internal.mz_cluster_replica_metrics as
select
    null::text as replica_id, null::mz_catalog.uint8 as process_id, null::mz_catalog.uint8 as cpu_nano_cores,
    null::mz_catalog.uint8 as memory_bytes, null::mz_catalog.uint8 as disk_bytes, null::mz_catalog.uint8 as
    heap_bytes, null::mz_catalog.uint8 as heap_limit
where false;

create view mz_internal.mz_cluster_replica_metrics_history as
select
    null::text as replica_id, null::mz_catalog.uint8 as process_id, null::mz_catalog.uint8 as cpu_nano_cores,
    null::mz_catalog.uint8 as memory_bytes, null::mz_catalog.uint8 as disk_bytes, null::timestamptz as occurred_at,
    null::mz_catalog.uint8 as heap_bytes, null::mz_catalog.uint8 as heap_limit
where false;

create view mz_internal.mz_cluster_replica_utilization as
select
    null::text as replica_id, null::mz_catalog.uint8 as process_id, null::double precision as cpu_percent,
    null::double precision as memory_percent, null::double precision as disk_percent, null::double precision as
    heap_percent
where false;

create view mz_internal.mz_cluster_replica_utilization_history as
select
    null::text as replica_id, null::mz_catalog.uint8 as process_id, null::double precision as cpu_percent,
    null::double precision as memory_percent, null::double precision as disk_percent, null::double precision as
    heap_percent, null::timestamptz as occurred_at
where false;

create view mz_internal.mz_compute_error_counts_raw_unified as
select
    null::text as replica_id, null::text as object_id, null::numeric as count
where false;

create view mz_internal.mz_compute_operator_hydration_statuses as
select
    null::text as replica_id, null::text as object_id, null::mz_catalog.uint8 as physical_plan_node_id, null::boolean
    as hydrated
where false;

create view mz_internal.mz_console_cluster_utilization_overview as
select
    null::timestamptz as bucket_start, null::text as replica_id, null::double precision as memory_percent,
    null::timestamptz as max_memory_at, null::double precision as disk_percent, null::timestamptz as max_disk_at,
    null::double precision as memory_and_disk_percent, null::double precision as max_memory_and_disk_memory_percent,
    null::double precision as max_memory_and_disk_disk_percent, null::timestamptz as max_memory_and_disk_at,
    null::double precision as heap_percent, null::timestamptz as max_heap_at, null::double precision as
    max_cpu_percent, null::timestamptz as max_cpu_at, null::jsonb as offline_events, null::timestamptz as bucket_end,
    null::text as name, null::text as cluster_id, null::text as size
where false;

create view mz_internal.mz_index_advice as
select
    null::text as object_id, null::text as hint, null::text as details, null::text[] as referenced_object_ids
where false;

create view mz_internal.mz_license_keys as
select
    null::text as id, null::text as organization, null::text as environment_id, null::timestamptz as expiration,
    null::timestamptz as not_before
where false;

create view mz_internal.mz_mysql_source_tables as
select
    null::text as id, null::text as schema_name, null::text as table_name
where false;

create view mz_internal.mz_notices_redacted as
select
    null::text as id, null::text as notice_type, null::text as message, null::text as hint, null::text as action,
    null::text as action_type, null::text as object_id, null::timestamptz as created_at
where false;

create view mz_internal.mz_optimizer_notices as
select
    null::text as id, null::text as notice_type, null::text as message, null::text as hint, null::text as action,
    null::text as redacted_message, null::text as redacted_hint, null::text as redacted_action, null::text as
    action_type, null::text as object_id, null::text[] as dependency_ids, null::timestamptz as created_at
where false;

create view mz_internal.mz_postgres_source_tables as
select
    null::text as id, null::text as schema_name, null::text as table_name
where false;

create view mz_internal.mz_postgres_sources as
select
    null::text as id, null::text as replication_slot, null::mz_catalog.uint8 as timeline_id
where false;

create view mz_internal.mz_prepared_statement_history as
select
    null::uuid as id, null::uuid as session_id, null::text as name, null::bytea as sql_hash, null::timestamptz as
    prepared_at, null::text as statement_type, null::mz_catalog.uint8 as throttled_count
where false;

create view mz_internal.mz_recent_activity_log as
select
    null::uuid as execution_id, null::double precision as sample_rate, null::text as cluster_id, null::text as
    application_name, null::text as cluster_name, null::text as database_name, null::text[] as search_path, null::text
    as transaction_isolation, null::mz_catalog.uint8 as execution_timestamp, null::text as transient_index_id,
    null::text[] as params, null::text as mz_version, null::timestamptz as began_at, null::timestamptz as finished_at,
    null::text as finished_status, null::text as error_message, null::bigint as result_size, null::bigint as
    rows_returned, null::text as execution_strategy, null::mz_catalog.uint8 as transaction_id, null::uuid as
    prepared_statement_id, null::bytea as sql_hash, null::text as prepared_statement_name, null::uuid as session_id,
    null::timestamptz as prepared_at, null::text as statement_type, null::mz_catalog.uint8 as throttled_count,
    null::timestamptz as connected_at, null::text as initial_application_name, null::text as authenticated_user,
    null::text as sql
where false;

create view mz_internal.mz_recent_activity_log_redacted as
select
    null::uuid as execution_id, null::double precision as sample_rate, null::text as cluster_id, null::text as
    application_name, null::text as cluster_name, null::text as database_name, null::text[] as search_path, null::text
    as transaction_isolation, null::mz_catalog.uint8 as execution_timestamp, null::text as transient_index_id,
    null::text[] as params, null::text as mz_version, null::timestamptz as began_at, null::timestamptz as finished_at,
    null::text as finished_status, null::bigint as result_size, null::bigint as rows_returned, null::text as
    execution_strategy, null::mz_catalog.uint8 as transaction_id, null::uuid as prepared_statement_id, null::bytea as
    sql_hash, null::text as prepared_statement_name, null::uuid as session_id, null::timestamptz as prepared_at,
    null::text as statement_type, null::mz_catalog.uint8 as throttled_count, null::text as initial_application_name,
    null::text as authenticated_user, null::text as redacted_sql
where false;

create view mz_internal.mz_recent_activity_log_thinned as
select
    null::uuid as execution_id, null::double precision as sample_rate, null::text as cluster_id, null::text as
    application_name, null::text as cluster_name, null::text as database_name, null::text[] as search_path, null::text
    as transaction_isolation, null::mz_catalog.uint8 as execution_timestamp, null::text as transient_index_id,
    null::text[] as params, null::text as mz_version, null::timestamptz as began_at, null::timestamptz as finished_at,
    null::text as finished_status, null::text as error_message, null::bigint as result_size, null::bigint as
    rows_returned, null::text as execution_strategy, null::mz_catalog.uint8 as transaction_id, null::uuid as
    prepared_statement_id, null::bytea as sql_hash, null::text as prepared_statement_name, null::uuid as session_id,
    null::timestamptz as prepared_at, null::text as statement_type, null::mz_catalog.uint8 as throttled_count,
    null::timestamptz as connected_at, null::text as initial_application_name, null::text as authenticated_user
where false;

create view mz_internal.mz_recent_sql_text as
select
    null::bytea as sql_hash, null::text as sql, null::text as redacted_sql
where false;

create view mz_internal.mz_recent_sql_text_redacted as
select
    null::bytea as sql_hash, null::text as redacted_sql
where false;

create view mz_internal.mz_replacements as
select
    null::text as id, null::text as target_id
where false;

create view mz_internal.mz_session_history as
select
    null::uuid as session_id, null::timestamptz as connected_at, null::text as initial_application_name, null::text as
    authenticated_user
where false;

create view mz_internal.mz_sql_server_source_tables as
select
    null::text as id, null::text as schema_name, null::text as table_name
where false;

create view mz_internal.mz_sql_text as
select
    null::timestamptz as prepared_day, null::bytea as sql_hash, null::text as sql, null::text as redacted_sql
where false;

create view mz_internal.mz_sql_text_redacted as
select
    null::bytea as sql_hash, null::text as redacted_sql
where false;

create view mz_internal.mz_statement_execution_history as
select
    null::uuid as id, null::uuid as prepared_statement_id, null::double precision as sample_rate, null::text as
    cluster_id, null::text as application_name, null::text as cluster_name, null::text as database_name, null::text[]
    as search_path, null::text as transaction_isolation, null::mz_catalog.uint8 as execution_timestamp,
    null::mz_catalog.uint8 as transaction_id, null::text as transient_index_id, null::text[] as params, null::text as
    mz_version, null::timestamptz as began_at, null::timestamptz as finished_at, null::text as finished_status,
    null::text as error_message, null::bigint as result_size, null::bigint as rows_returned, null::text as
    execution_strategy
where false;

create view mz_internal.mz_statement_execution_history_redacted as
select
    null::uuid as id, null::uuid as prepared_statement_id, null::double precision as sample_rate, null::text as
    cluster_id, null::text as application_name, null::text as cluster_name, null::text as database_name, null::text[]
    as search_path, null::text as transaction_isolation, null::mz_catalog.uint8 as execution_timestamp,
    null::mz_catalog.uint8 as transaction_id, null::text as transient_index_id, null::text as mz_version,
    null::timestamptz as began_at, null::timestamptz as finished_at, null::text as finished_status, null::bigint as
    result_size, null::bigint as rows_returned, null::text as execution_strategy
where false;

create view mz_internal.mz_statement_lifecycle_history as
select
    null::uuid as statement_id, null::text as event_type, null::timestamptz as occurred_at
where false;

create view mz_internal.mz_storage_usage_by_shard as
select
    null::mz_catalog.uint8 as id, null::text as shard_id, null::mz_catalog.uint8 as size_bytes, null::timestamptz as
    collection_timestamp
where false;

create view mz_internal.mz_subscriptions as
select
    null::text as id, null::uuid as session_id, null::text as cluster_id, null::timestamptz as created_at,
    null::text[] as referenced_object_ids
where false;

create view mz_internal.mz_wallclock_global_lag_histogram as
select
    null::timestamptz as period_start, null::timestamptz as period_end, null::text as object_id,
    null::mz_catalog.uint8 as lag_seconds, null::jsonb as labels, null::bigint as count
where false;

create view mz_internal.mz_wallclock_global_lag_histogram_raw as
select
    null::timestamptz as period_start, null::timestamptz as period_end, null::text as object_id,
    null::mz_catalog.uint8 as lag_seconds, null::jsonb as labels
where false;

create view mz_internal.mz_webhook_sources as
select
    null::text as id, null::text as name, null::text as url
where false;
