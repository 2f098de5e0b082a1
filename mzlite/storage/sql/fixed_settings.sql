-- What PostgreSQL calls stable because it depends on settings that are the same for everybody here: the time zone is UTC, dates
-- are ISO, arrays and rows hold nothing that depends on more. Materialize has no such settings, and groups, joins, orders and indexes
-- are by such values as by any other (date_trunc('hour', z), z::date, to_jsonb(x)), so an index must take them.
update pg_catalog.pg_proc set provolatile = 'i'
where oid < 16384 and provolatile = 's' and prokind = 'f' and (
    -- Moments, dates and times, and what they are compared and shown with.
    'timestamptz'::regtype = any (proargtypes) and proname !~ '^(pg_|age$)'
    or prorettype = 'timestamptz'::regtype and 'cstring'::regtype = any (proargtypes)
    or proname in (
        'timestamptz', 'date_in', 'date_out', 'time_in', 'timestamp_in', 'timestamp_out', 'interval_in', 'interval_out', 'timestamp_recv',
        'to_char', 'to_date', 'to_number', 'to_timestamp', 'make_timestamptz', 'timetz_in',
        -- Texts and JSON of values of any type.
        'anytextcat', 'textanycat', 'array_in', 'array_out', 'record_in', 'record_out', 'array_to_string', 'array_to_json', 'concat', 'concat_ws', 'format',
        'json_build_array', 'json_build_object', 'jsonb_build_array', 'jsonb_build_object', 'quote_literal', 'quote_nullable', 'row_to_json',
        'to_json', 'to_jsonb'
    )
);
