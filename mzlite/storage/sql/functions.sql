-- Functions that only Materialize has. Bodies are parsed here (`return`), so that clients need no rights on hidden schemas.

-- The clock as a reader sees it: never a moment whose temporal events are not yet ticked, never before the last tick.
create function mz_internal.clock_now() returns bigint
language sql stable security definer parallel safe
begin atomic
select
    greatest(
        c.last_tick,
        least(
            coalesce(c.held, ((mz_internal.microseconds_of(now()) + 946684800000000) / 1000)),
            coalesce(c.next_due - 1, 9223372036854775807)
        )
    )
from mzlite.clock as c;
end;

-- A filter asks for every row. A client's transaction sees one snapshot, so its answer is kept until the transaction ends
-- (the start of the transaction tells whose it is).
create function mzlite.reader_now() returns mz_catalog.mz_timestamp
language plpgsql stable parallel restricted cost 10
as $$
declare
    answer bigint;
begin
    if current_setting('mzlite.moment_of', true) = mz_internal.microseconds_of(now())::text then
        return current_setting('mzlite.moment', true);
    end if;
    answer := mz_internal.clock_now();
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        perform set_config('mzlite.moment', answer::text, true), set_config('mzlite.moment_of', mz_internal.microseconds_of(now())::text, true);
    end if;
    return answer;
end
$$;

-- Inside a tick the engine sets mzlite.now, and the definition of every view speaks of that moment.
create function mz_catalog.mz_now() returns mz_catalog.mz_timestamp
language sql stable parallel restricted
return case
    when coalesce(current_setting('mzlite.now', true), '') <> '' then current_setting('mzlite.now', true)::bigint::mz_catalog.mz_timestamp
    else mzlite.reader_now()
end;
create function mz_catalog.mz_logical_timestamp() returns mz_catalog.mz_timestamp language sql stable parallel restricted return mz_catalog.mz_now();

create function mz_catalog.mz_version() returns text language sql immutable parallel safe return 'v26.6.0-dev.0 (16c444b61)';
create function mz_catalog.mz_version_num() returns integer language sql immutable parallel safe return 2600600;
create function mzlite.environment_id() returns text language sql stable security definer parallel safe
begin atomic
select 'mzlite-local-' || environment_id::text || '-0' from mzlite.environment;
end;
create function mz_catalog.mz_environment_id() returns text language sql stable parallel safe return mzlite.environment_id();
create function mz_catalog.mz_uptime() returns interval language sql stable parallel safe return now() - pg_postmaster_start_time();
create function mz_catalog.mz_is_superuser() returns boolean
language sql stable parallel safe
return coalesce(current_setting('mzlite.superuser', true), 'off') = 'on';
-- The session's role: all clients are one role in the inner PostgreSQL.
create function mz_catalog."current_user"() returns text
language sql stable parallel safe
return coalesce(nullif(current_setting('mzlite.user', true), ''), 'materialize');
create function mz_catalog."session_user"() returns text language sql stable parallel safe return mz_catalog."current_user"();
create function mz_catalog."current_role"() returns text language sql stable parallel safe return mz_catalog."current_user"();
create function mz_catalog."user"() returns text language sql stable parallel safe return mz_catalog."current_user"();

-- Exactly YYYY-MM-DDThh:mm:ss.sssZ of a moment that exists, else null. Called for every message, so it must be cheap: the 24
-- bytes are read as three integers, and each is tested at once for its punctuation, for digits in the other places and for the
-- largest first digit of each field. This is five times as fast as a regular expression. Only then PostgreSQL's parser runs.
create function mz_catalog.try_parse_monotonic_iso8601_timestamp(value text) returns timestamp
language plpgsql immutable strict parallel safe cost 20
as $$
declare
    bytes bytea;
    a bigint;  -- YYYY-MM-
    b bigint;  -- DDThh:mm
    c bigint;  -- :ss.sssZ
begin
    if octet_length(value) <> 24 then
        return null;
    end if;
    bytes := convert_to(value, 'UTF8');
    a := int8(mzlite_postgres.substr(bytes, 1, 8));
    b := int8(mzlite_postgres.substr(bytes, 9, 8));
    c := int8(mzlite_postgres.substr(bytes, 17, 8));
    if a & (-1085102592319491841) <> 3472328296177348653 or ((a & 1085102592319491840) + 434041036928321024) & (-1085102596597682176) <> 0
        or b & (-1085086099895750416) <> 3472367878646935600 or ((b & 1085086099895750415) + 866380034250639878) & (-1085366475377544976) <> 0
        or c & (-4238617577721601) <> 4192904228017025114 or ((c & 4238617577721600) + 2821346937931264) & (67817881243545600) <> 0
        or (b >> 24) & 65535 > 12851  -- hour: '23'
        or value < '0001'
    then
        return null;
    end if;
    if not ((a >> 8) & 65535 between 12337 and 12594  -- month: '01' to '12'
        and (b >> 48) & 65535 between 12337 and 12856)  -- day: '01' to '28', which every month has
        and not pg_input_is_valid(value, 'timestamp')
    then
        return null;
    end if;
    return value::timestamp;
end
$$;

-- The session's own names, whole.
create function mz_catalog.current_database() returns text
language sql stable parallel safe
return coalesce(nullif(current_setting('mzlite.database', true), ''), 'materialize');
create function mz_catalog."current_catalog"() returns text language sql stable parallel safe return mz_catalog.current_database();
