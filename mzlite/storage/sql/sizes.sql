-- mz_row_size and pg_column_size: how many bytes a row or a value takes in Materialize's encoding of rows. In: values as PostgreSQL
-- sends them in binary form, since that says the type of each part. Each value has a tag of one byte; integers and numerics take as
-- many bytes as they need, texts, bytes and nested lists a length of 1, 2, 4 or 8 bytes, maps, arrays and lists at the top one of 8.

create function mz_internal.size_of_length(length bigint) returns integer language sql immutable strict parallel safe
return case when length < 256 then 1 when length < 65536 then 2 else 4 end;

-- Up to three digits in two bytes, without zeros at either end.
create function mz_internal.size_of_digits(digits text) returns integer language sql immutable strict parallel safe
return 4 + 2 * greatest(1, (length(trim(both '0' from digits)) + 2) / 3);

create function mz_internal.sent_integer(sent bytea, place integer) returns integer language sql immutable strict parallel safe
return ('x' || encode(substring(sent, place + 1, 4), 'hex'))::bit(32)::integer;
create function mz_internal.sent_bigint(sent bytea) returns bigint language sql immutable strict parallel safe
return ('x' || encode(sent, 'hex'))::bit(64)::bigint;
create function mz_internal.sent_part(sent bytea, place integer, length integer) returns bytea language sql immutable strict parallel safe
return case when length >= 0 then substring(sent, place + 1, length) end;
create function mz_internal.sent_jsonb(sent bytea) returns jsonb language sql immutable strict parallel safe
return convert_from(substring(sent, 2), 'UTF8')::jsonb;
-- Four digits in each two bytes after the first eight.
create function mz_internal.sent_digits(sent bytea) returns text language sql immutable strict parallel safe
begin atomic
select coalesce(string_agg(lpad((get_byte(sent, p.place) * 256 + get_byte(sent, p.place + 1))::text, 4, '0'), '' order by p.place), '0')
from generate_series(8, octet_length(sent) - 2, 2) as p (place);
end;

create function mz_internal.size_of_jsonb(value jsonb, top boolean) returns bigint language plpgsql immutable strict parallel safe
as $$
declare
    parts bigint;
begin
    case jsonb_typeof(value)
        when 'string' then
            parts := octet_length(value #>> '{}');
            return 1 + mz_internal.size_of_length(parts) + parts;
        when 'number' then
            return mz_internal.size_of_digits(translate((value #>> '{}')::numeric::text, '-.', ''));
        when 'array' then
            select coalesce(sum(mz_internal.size_of_jsonb(e.item, false)), 0) into parts from jsonb_array_elements(value) as e (item);
            return 1 + case when top then 8 else mz_internal.size_of_length(parts) end + parts;
        when 'object' then
            select coalesce(sum(1 + mz_internal.size_of_length(octet_length(e.key)) + octet_length(e.key) + mz_internal.size_of_jsonb(e.item, false)), 0)
            into parts from jsonb_each(value) as e (key, item);
            return 9 + parts;
        else
            return 1;
    end case;
end
$$;

-- The bytes of all columns of a row.
create function mz_internal.size_of_columns(sent bytea, top boolean) returns bigint language plpgsql immutable strict parallel safe
as $$
declare
    parts bigint := 0;
    place integer := 4;
    length integer;
begin
    for i in 1 .. mz_internal.sent_integer(sent, 0) loop
        length := mz_internal.sent_integer(sent, place + 4);
        parts := parts + mz_internal.size_of(
            mz_internal.sent_part(sent, place + 8, length), mz_internal.sent_integer(sent, place)::bigint::oid, top
        );
        place := place + 8 + greatest(length, 0);
    end loop;
    return parts;
end
$$;

-- The bytes of a value.
--   sent: as the type's send function gives it, null for a null; kind: the type; top: the value is nowhere inside of another one
create function mz_internal.size_of(sent bytea, kind oid, top boolean) returns bigint language plpgsql immutable parallel safe
as $$
declare
    t record;
    parts bigint := 0;
    place integer := 0;
    items integer;
    length integer;
    part_kind oid;
    negative boolean;
    body jsonb;
begin
    if sent is null then
        return 1;
    end if;
    select p.typname::text as name, p.typtype as type, p.typelem as element, p.typcategory as category, p.typbasetype as base, n.nspname::text as schema
    into t from pg_type as p inner join pg_namespace as n on n.oid = p.typnamespace where p.oid = kind;
    length := octet_length(sent);
    if t.type = 'd' then
        return mz_internal.size_of(sent, t.base, top);
    elsif t.name = 'bool' then
        return 1;
    elsif t.name in ('int2', 'int4', 'int8', 'uint2', 'uint4', 'uint8', 'oid', 'regclass', 'regproc', 'regtype', 'char') then
        negative := t.name in ('int2', 'int4', 'int8') and get_byte(sent, 0) > 127;
        while place < length and get_byte(sent, place) = case when negative then 255 else 0 end loop place := place + 1; end loop;
        return 1 + length - place;
    elsif t.name in ('text', 'varchar', 'bpchar', 'name', 'bytea', 'unknown') then
        return 1 + mz_internal.size_of_length(length) + length;
    elsif t.name = 'numeric' then
        return mz_internal.size_of_digits(mz_internal.sent_digits(sent));
    elsif t.name in ('float4', 'float8', 'date', 'time', 'interval', 'uuid', 'mz_timestamp') then
        return 1 + length;
    elsif t.name in ('timestamp', 'timestamptz') then
        -- Nanoseconds in 8 bytes, while they fit.
        return case when mz_internal.sent_bigint(sent) between -10170056836000000 and 8276687236854775 then 9 else 17 end;
    elsif t.name = 'jsonb' then
        return mz_internal.size_of_jsonb(mz_internal.sent_jsonb(sent), top);
    elsif t.schema = 'mz_catalog' and t.name ~ '^map_' and t.name <> 'map_nested' then
        body := mz_internal.sent_jsonb(sent);
        execute format(
            'select coalesce(sum(1 + mz_internal.size_of_length(octet_length(e.key)) + octet_length(e.key) + mz_internal.size_of_columns(record_send(row(mz_internal.map_get(m.map, e.key))), false)), 0) from (select mz_internal.as_%s($1)) as m (map) cross join jsonb_object_keys($1) as e (key)',
            t.name
        ) into parts using body;
        return 9 + parts;
    elsif t.type = 'c' or t.name = 'record' then
        parts := mz_internal.size_of_columns(sent, false);
    elsif t.element <> 0 then
        items := mz_internal.sent_integer(sent, 0);
        place := 12 + 8 * items;
        while place < octet_length(sent) loop
            length := mz_internal.sent_integer(sent, place);
            parts := parts + mz_internal.size_of(mz_internal.sent_part(sent, place + 4, length), t.element, false);
            place := place + 4 + greatest(length, 0);
        end loop;
        if t.category = 'A' then
            return 10 + 16 * items + parts;
        end if;
    elsif t.type = 'r' then
        place := 1;
        select r.rngsubtype into part_kind from pg_range as r where r.rngtypid = kind;
        while place < octet_length(sent) loop
            length := mz_internal.sent_integer(sent, place);
            parts := parts + mz_internal.size_of(mz_internal.sent_part(sent, place + 4, length), part_kind, false);
            place := place + 4 + length;
        end loop;
        return 2 + parts;
    else
        raise exception 'the size of % values is not supported', t.name using errcode = '0A000';
    end if;
    return 1 + case when top then 8 else mz_internal.size_of_length(parts) end + parts;
end
$$;

-- A row has 24 bytes, and what does not fit into 23 of them is elsewhere.
create function mz_catalog.mz_row_size(item record) returns integer language plpgsql immutable strict parallel safe
as $$
declare
    size bigint := mz_internal.size_of_columns(record_send(item), true);
begin
    return 24 + case when size > 23 then size else 0 end;
end
$$;
-- Of the only column of a row.
create function mz_internal.pg_column_size(item record) returns integer language plpgsql immutable strict parallel safe
as $$
declare
    sent bytea := record_send(item);
begin
    return case when mz_internal.sent_integer(sent, 8) >= 0 then mz_internal.size_of_columns(sent, true) end;
end
$$;
