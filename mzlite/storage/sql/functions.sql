-- Functions that only Materialize has. Bodies are parsed here (`return`), so that clients need no rights on hidden schemas.

-- The clock as a reader sees it: never a moment whose temporal events are not yet ticked, never before the last tick.
create function mzlite.reader_now() returns mz_catalog.mz_timestamp
language sql stable security definer parallel safe
begin atomic
select
    greatest(
        c.last_tick,
        least(
            coalesce(c.held, ((mzlite.microseconds_of(now()) + 946684800000000) / 1000)),
            coalesce(c.next_due - 1, 9223372036854775807)
        )
    )::mz_catalog.mz_timestamp
from mzlite.clock as c;
end;

-- Inside a tick the engine sets mzlite.now, and the definition of every view speaks of that moment.
create function mz_catalog.mz_now() returns mz_catalog.mz_timestamp
language sql stable parallel safe
return case
    when coalesce(current_setting('mzlite.now', true), '') <> '' then current_setting('mzlite.now', true)::bigint::mz_catalog.mz_timestamp
    else mzlite.reader_now()
end;
create function mz_catalog.mz_logical_timestamp() returns mz_catalog.mz_timestamp language sql stable parallel safe return mz_catalog.mz_now();

create function mz_catalog.mz_version() returns text language sql immutable parallel safe return 'v26.6.0-dev.0 (16c444b61)';
create function mz_catalog.mz_version_num() returns integer language sql immutable parallel safe return 2600600;
create function mzlite.environment_id() returns text language sql stable security definer parallel safe
begin atomic
select 'mzlite-local-' || environment_id::text || '-0' from mzlite.environment;
end;
create function mz_catalog.mz_environment_id() returns text language sql stable parallel safe return mzlite.environment_id();
create function mz_catalog.mz_uptime() returns interval language sql stable parallel safe return now() - pg_postmaster_start_time();
create function mz_catalog.mz_is_superuser() returns boolean language sql stable parallel safe return false;

-- Exactly YYYY-MM-DDThh:mm:ss.sssZ of a day that exists, else null. One regular expression that yields the text or null,
-- then PostgreSQL's own parser; the argument occurs once, so the call is always inlined.
create function mzlite.parse_timestamp(cstring, oid, integer) returns timestamp language internal immutable strict parallel safe as 'timestamp_in';
create function mz_catalog.try_parse_monotonic_iso8601_timestamp(text) returns timestamp
language sql immutable parallel safe
return mzlite.parse_timestamp(
    substring(
        $1 from
        '^(?:(?!0000)\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$'
    )::cstring, 0::oid, -1
);
