-- Functions that only Materialize has, or that PostgreSQL has in extensions: hashes, maps (jsonb here), dates.

-- Hashes ------------------------------------------------------------------------------------------------------

create function mz_internal.rotate_left(value bigint, places integer) returns bigint
language sql immutable strict parallel safe
return ((value << places) | (value >> (32 - places))) & 4294967295;

create function mz_internal.sha1(message bytea) returns bytea
language plpgsql immutable strict parallel safe
as $$
declare
    padded bytea;
    w bigint[];
    h bigint[] := array[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; swap bigint;
begin
    padded := byteacat(
        byteacat(message, decode('80' || repeat('00', (119 - octet_length(message) % 64) % 64), 'hex')),
        int8send(octet_length(message)::bigint * 8)
    );
    for block in 0 .. octet_length(padded) / 64 - 1 loop
        w := array[]::bigint[];
        for i in 0 .. 15 loop
            w := array_append(w, int4(mzlite_postgres.substr(padded, block * 64 + i * 4 + 1, 4))::bigint & 4294967295);
        end loop;
        for i in 17 .. 80 loop
            w := array_append(w, mz_internal.rotate_left(w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16], 1));
        end loop;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        for i in 1 .. 80 loop
            if i <= 20 then
                f := (b & c) | ((~b & 4294967295) & d); k := 1518500249;
            elsif i <= 40 then
                f := b # c # d; k := 1859775393;
            elsif i <= 60 then
                f := (b & c) | (b & d) | (c & d); k := 2400959708;
            else
                f := b # c # d; k := 3395469782;
            end if;
            swap := (mz_internal.rotate_left(a, 5) + f + e + k + w[i]) & 4294967295;
            e := d; d := c; c := mz_internal.rotate_left(b, 30); b := a; a := swap;
        end loop;
        h := array[
            (h[1] + a) & 4294967295, (h[2] + b) & 4294967295, (h[3] + c) & 4294967295, (h[4] + d) & 4294967295, (h[5] + e) & 4294967295
        ];
    end loop;
    return decode(
        lpad(to_hex(h[1]), 8, '0') || lpad(to_hex(h[2]), 8, '0') || lpad(to_hex(h[3]), 8, '0') || lpad(to_hex(h[4]), 8, '0')
            || lpad(to_hex(h[5]), 8, '0'),
        'hex'
    );
end
$$;

create function mz_catalog.digest(data bytea, algorithm text) returns bytea
language plpgsql immutable strict parallel safe
as $$
begin
    return case algorithm
        when 'md5' then decode(md5(data), 'hex')
        when 'sha1' then mz_internal.sha1(data)
        when 'sha224' then sha224(data)
        when 'sha256' then sha256(data)
        when 'sha384' then sha384(data)
        when 'sha512' then sha512(data)
        else mz_internal.raise_error('invalid hash algorithm ''' || algorithm || '''')::bytea
    end;
end
$$;
-- Where the message is a constant, `cause` is what the error is about: PostgreSQL would raise it when it plans, whichever case is met.
create function mz_internal.raise_error(message text, cause anyelement default null::text) returns text
language plpgsql immutable parallel safe
as $$
begin
    raise exception '%', message using errcode = 'XX000';
end
$$;
create function mz_catalog.digest(data text, algorithm text) returns bytea
language sql immutable strict parallel safe return mz_catalog.digest(convert_to(data, 'UTF8'), algorithm);

create function mz_catalog.hmac(data bytea, key bytea, algorithm text) returns bytea
language plpgsql immutable strict parallel safe
as $$
declare
    size constant integer := case when algorithm in ('sha384', 'sha512') then 128 else 64 end;
    padded bytea := case when octet_length(key) > size then mz_catalog.digest(key, algorithm) else key end;
    inside bytea;
    outside bytea;
begin
    padded := byteacat(padded, decode(repeat('00', size - octet_length(padded)), 'hex'));
    inside := padded;
    outside := padded;
    for i in 0 .. size - 1 loop
        inside := set_byte(inside, i, get_byte(padded, i) # 54);
        outside := set_byte(outside, i, get_byte(padded, i) # 92);
    end loop;
    return mz_catalog.digest(byteacat(outside, mz_catalog.digest(byteacat(inside, data), algorithm)), algorithm);
end
$$;
create function mz_catalog.hmac(data text, key text, algorithm text) returns bytea
language sql immutable strict parallel safe return mz_catalog.hmac(convert_to(data, 'UTF8'), convert_to(key, 'UTF8'), algorithm);

create function mz_catalog.uuid_generate_v5(namespace uuid, name text) returns uuid
language plpgsql immutable strict parallel safe
as $$
declare
    hash bytea := mzlite_postgres.substr(mz_internal.sha1(byteacat(uuid_send(namespace), convert_to(name, 'UTF8'))), 1, 16);
begin
    hash := set_byte(hash, 6, (get_byte(hash, 6) & 15) | 80);
    hash := set_byte(hash, 8, (get_byte(hash, 8) & 63) | 128);
    return encode(hash, 'hex')::uuid;
end
$$;

create function mz_catalog.crc32(data bytea) returns mz_catalog.uint4
language sql immutable strict parallel safe return pg_catalog.crc32(data)::mz_catalog.uint4;
create function mz_catalog.crc32(data text) returns mz_catalog.uint4
language sql immutable strict parallel safe return pg_catalog.crc32(convert_to(data, 'UTF8'))::mz_catalog.uint4;

create function mz_catalog.constant_time_eq(bytea, bytea) returns boolean language sql immutable strict parallel safe return $1 = $2;
create function mz_catalog.constant_time_eq(text, text) returns boolean language sql immutable strict parallel safe return $1 = $2;

-- The partition hash of Kafka's Java client.
create function mz_catalog.kafka_murmur2(data bytea) returns integer
language plpgsql immutable strict parallel safe
as $$
declare
    size constant integer := octet_length(data);
    m constant bigint := 1540483477;
    h bigint := (2538058380 # size) & 4294967295;
    k bigint;
    at integer;
begin
    for i in 0 .. size / 4 - 1 loop
        at := i * 4;
        k := get_byte(data, at) | (get_byte(data, at + 1)::bigint << 8) | (get_byte(data, at + 2)::bigint << 16)
            | (get_byte(data, at + 3)::bigint << 24);
        k := (k * m) & 4294967295;
        k := k # (k >> 24);
        k := (k * m) & 4294967295;
        h := ((h * m) & 4294967295) # k;
    end loop;
    at := size - size % 4;
    if size % 4 >= 3 then h := h # (get_byte(data, at + 2)::bigint << 16); end if;
    if size % 4 >= 2 then h := h # (get_byte(data, at + 1)::bigint << 8); end if;
    if size % 4 >= 1 then
        h := h # get_byte(data, at);
        h := (h * m) & 4294967295;
    end if;
    h := h # (h >> 13);
    h := (h * m) & 4294967295;
    h := h # (h >> 15);
    return (h & 2147483647)::integer;
end
$$;
create function mz_catalog.kafka_murmur2(data text) returns integer
language sql immutable strict parallel safe return mz_catalog.kafka_murmur2(convert_to(data, 'UTF8'));

-- SeaHash, an unkeyed hash of 64 bits.
create function mz_internal.seahash_times(value bigint) returns bigint
language sql immutable strict parallel safe
return mz_internal.bits_of(numeric_mod(numeric_mul((mz_internal.as_uint8(value))::numeric, 7993060983890856527), 18446744073709551616));
create function mz_internal.seahash_diffuse(value bigint) returns bigint
language plpgsql immutable strict parallel safe
as $$
declare
    x bigint := mz_internal.seahash_times(value);
begin
    -- >> of a bigint brings its sign down, which the mask takes away.
    return mz_internal.seahash_times(x # (((x >> 32) & 4294967295) >> ((x >> 60) & 15)::integer));
end
$$;
create function mz_catalog.seahash(data bytea) returns mz_catalog.uint8
language plpgsql immutable strict parallel safe
as $$
declare
    lanes bigint[] := array[1653137622115903356, -5440164096422524820, 8062258805288266697, 1511402585362633601];
    size constant integer := octet_length(data);
    word bigint;
begin
    for at in 0 .. (size + 7) / 8 - 1 loop
        word := 0;
        for i in reverse least(7, size - at * 8 - 1) .. 0 loop
            word := (word << 8) | get_byte(data, at * 8 + i);
        end loop;
        lanes := array[lanes[2], lanes[3], lanes[4], mz_internal.seahash_diffuse(lanes[1] # word)];
    end loop;
    return mz_internal.as_uint8(
        mz_internal.seahash_diffuse(lanes[1] # lanes[2] # lanes[3] # lanes[4] # size::bigint)
    );
end
$$;
create function mz_catalog.seahash(data text) returns mz_catalog.uint8
language sql immutable strict parallel safe return mz_catalog.seahash(convert_to(data, 'UTF8'));

-- Maps ------------------------------------------------------------------------------------------------------------

create aggregate mz_catalog.map_agg(text, "any") (
    sfunc = jsonb_object_agg_transfn, stype = internal, finalfunc = jsonb_object_agg_finalfn, parallel = safe
);
create function mz_internal.map_length(jsonb) returns integer
language sql immutable strict parallel safe
begin atomic
select count(*)::integer from jsonb_object_keys($1);
end;

-- Text and checks --------------------------------------------------------------------------------------------------

create function mz_unsafe.mz_error_if_null(value anyelement, message text) returns anyelement
language plpgsql immutable parallel safe
as $$
begin
    if value is null then
        raise exception '%', message using errcode = 'XX000';
    end if;
    return value;
end
$$;
create function mz_unsafe.mz_sleep(seconds double precision) returns timestamptz
language plpgsql volatile strict
as $$
begin
    perform pg_sleep(seconds);
    return null;
end
$$;

-- Dates -------------------------------------------------------------------------------------------------------------

-- How many boundaries of a unit lie between two moments.
create function mz_catalog.datediff(unit text, first timestamp, last timestamp) returns bigint
language plpgsql immutable strict parallel safe
as $$
declare
    years bigint := extract(year from last) - extract(year from first);
begin
    return case lower(unit)
        when 'millennium' then ceil(extract(year from last) / 1000) - ceil(extract(year from first) / 1000)
        when 'century' then ceil(extract(year from last) / 100) - ceil(extract(year from first) / 100)
        when 'decade' then floor(extract(year from last) / 10) - floor(extract(year from first) / 10)
        when 'year' then years
        when 'quarter' then years * 4 + extract(quarter from last) - extract(quarter from first)
        when 'month' then years * 12 + extract(month from last) - extract(month from first)
        when 'week' then (date_trunc('week', last)::date - date_trunc('week', first)::date) / 7
        when 'day' then last::date - first::date
        when 'hour' then extract(epoch from date_trunc('hour', last) - date_trunc('hour', first)) / 3600
        when 'minute' then extract(epoch from date_trunc('minute', last) - date_trunc('minute', first)) / 60
        when 'second' then extract(epoch from date_trunc('second', last) - date_trunc('second', first))
        when 'millisecond' then extract(epoch from date_trunc('milliseconds', last) - date_trunc('milliseconds', first)) * 1000
        when 'microsecond' then extract(epoch from last - first) * 1000000
        else mz_internal.raise_error('unit ''' || unit || ''' not recognized')::bigint
    end::bigint;
end
$$;
create function mz_catalog.datediff(unit text, first timestamptz, last timestamptz) returns bigint
language sql immutable strict parallel safe return mz_catalog.datediff(unit, first at time zone 'UTC', last at time zone 'UTC');
create function mz_catalog.datediff(unit text, first date, last date) returns bigint
language sql immutable strict parallel safe return mz_catalog.datediff(unit, first::timestamp, last::timestamp);
create function mz_catalog.datediff(unit text, first time, last time) returns bigint
language sql immutable strict parallel safe return mz_catalog.datediff(unit, date '2000-01-01' + first, date '2000-01-01' + last);

-- The starts of the hopping windows that hold a moment.
create function mz_catalog.date_bin_hopping(hop interval, width interval, moment timestamp, origin timestamp) returns setof timestamp
language sql immutable strict parallel safe rows 10
begin atomic
select start
from generate_series(
    pg_catalog.date_bin(hop, moment, origin), pg_catalog.date_bin(hop, moment - width, origin), - hop
) as s (start)
where start > moment - width;
end;
create function mz_catalog.date_bin_hopping(hop interval, width interval, moment timestamp) returns setof timestamp
language sql immutable strict parallel safe rows 10
begin atomic
select * from mz_catalog.date_bin_hopping(hop, width, moment, timestamp '1970-01-01');
end;
create function mz_catalog.date_bin_hopping(hop interval, width interval, moment timestamptz, origin timestamptz) returns setof timestamptz
language sql immutable strict parallel safe rows 10
begin atomic
select start at time zone 'UTC'
from mz_catalog.date_bin_hopping(hop, width, moment at time zone 'UTC', origin at time zone 'UTC') as s (start);
end;
create function mz_catalog.date_bin_hopping(hop interval, width interval, moment timestamptz) returns setof timestamptz
language sql immutable strict parallel safe rows 10
begin atomic
select * from mz_catalog.date_bin_hopping(hop, width, moment, timestamptz '1970-01-01 00:00:00+00');
end;

create function mz_internal.zone_abbreviation(zone text, moment timestamptz) returns text
language plpgsql stable strict parallel safe set timezone = 'UTC'
as $$
begin
    perform set_config('timezone', zone, true);
    return to_char(moment, 'TZ');
end
$$;

create function mz_catalog.timezone_offset(zone text, moment timestamptz, out abbrev text, out base_utc_offset interval, out dst_offset interval)
language sql stable strict parallel safe
begin atomic
select
    mz_internal.zone_abbreviation(zone, moment),
    least((moment at time zone zone) - (moment at time zone 'UTC'), (timestamptz '2020-01-01 00:00+00' at time zone zone) - timestamp '2020-01-01'),
    ((moment at time zone zone) - (moment at time zone 'UTC'))
        - least((moment at time zone zone) - (moment at time zone 'UTC'), (timestamptz '2020-01-01 00:00+00' at time zone zone) - timestamp '2020-01-01');
end;

-- What aggregates that gather values give where there are rows, and none that counts.
create function mz_internal.array_agg(gathered anyelement, rows bigint) returns anyelement language sql immutable parallel safe as
$$select case when $1 is null and $2 > 0 then '{}' else $1 end$$;
create function mz_internal.list_agg(gathered anyelement, rows bigint) returns anyelement language sql immutable parallel safe as
$$select case when $1 is null and $2 > 0 then '{}' else $1 end$$;
create function mz_internal.map_agg(gathered anyelement, rows bigint) returns anyelement language sql immutable parallel safe as
$$select case when $1 is null and $2 > 0 then '{}' else $1 end$$;
create function mz_internal.jsonb_object_agg(gathered jsonb, rows bigint) returns jsonb language sql immutable parallel safe
return case when $1 is null and $2 > 0 then jsonb '{}' else $1 end;
create function mz_internal.jsonb_agg(gathered jsonb, rows bigint) returns jsonb language sql immutable parallel safe
return case when $1 is null and $2 > 0 then jsonb '[]' else $1 end;
