-- Functions that PostgreSQL lacks, or has with another value for what is not the ordinary case.

-- What ->> gives: a string without its quotes.
create function mz_internal.as_plain_text(value jsonb) returns text language plpgsql immutable strict parallel safe
as $$
begin
    return case jsonb_typeof(value) when 'string' then value #>> '{}' when 'null' then null else value::text end;
end
$$;

-- What is no array or no object has no elements. Not strict, so that PostgreSQL can put the query in place of the call.
create function mz_catalog.jsonb_array_elements(from_json jsonb, out value jsonb) returns setof jsonb language sql immutable parallel safe rows 100
begin atomic
select e.value from pg_catalog.jsonb_array_elements(case when jsonb_typeof(from_json) = 'array' then from_json else '[]' end) as e (value);
end;
create function mz_catalog.jsonb_array_elements_text(from_json jsonb, out value text) returns setof text language sql immutable parallel safe rows 100
begin atomic
select mz_internal.as_plain_text(e.value) from pg_catalog.jsonb_array_elements(case when jsonb_typeof(from_json) = 'array' then from_json else '[]' end) as e (value);
end;
create function mz_catalog.jsonb_each(from_json jsonb, out key text, out value jsonb) returns setof record language sql immutable parallel safe rows 100
begin atomic
select e.key, e.value from pg_catalog.jsonb_each(case when jsonb_typeof(from_json) = 'object' then from_json else '{}' end) as e (key, value);
end;
create function mz_catalog.jsonb_each_text(from_json jsonb, out key text, out value text) returns setof record language sql immutable parallel safe rows 100
begin atomic
select e.key, mz_internal.as_plain_text(e.value) from pg_catalog.jsonb_each(case when jsonb_typeof(from_json) = 'object' then from_json else '{}' end) as e (key, value);
end;
create function mz_catalog.jsonb_object_keys(from_json jsonb) returns setof text language sql immutable parallel safe rows 100
begin atomic
select e.key from pg_catalog.jsonb_object_keys(case when jsonb_typeof(from_json) = 'object' then from_json else '{}' end) as e (key);
end;
create function mz_catalog.jsonb_array_length(from_json jsonb) returns integer language sql immutable parallel safe
return case when jsonb_typeof(from_json) = 'array' then pg_catalog.jsonb_array_length(from_json) end;

create function mz_catalog.split_part(value text, separator text, field integer) returns text language sql immutable parallel safe
return case
    when field > 0 then pg_catalog.split_part(value, separator, field)
    when field <= 0 then mz_internal.raise_error('field position must be greater than zero', field)
end;

-- Fields of CSV text and groups of a regular expression. The dialect calls the one with as many columns as are asked for.
create function mz_internal.csv_records(data text, width integer) returns setof text[]
language plpgsql immutable strict parallel safe
as $$
declare
    fields text[] := '{}';
    field text := '';
    quoted boolean := false;
    symbol text;
    at integer := 1;
    size constant integer := length(data);
begin
    while at <= size + 1 loop
        symbol := case when at > size then null else substr(data, at, 1) end;
        if quoted and symbol is not null then
            if symbol = '"' and substr(data, at + 1, 1) = '"' then
                field := field || '"';
                at := at + 1;
            elsif symbol = '"' then
                quoted := false;
            else
                field := field || symbol;
            end if;
        elsif symbol = '"' then
            quoted := true;
        elsif symbol = ',' then
            fields := array_append(fields, field);
            field := '';
        elsif symbol is null or symbol in (chr(10), chr(13)) then
            if field <> '' or cardinality(fields) > 0 then
                fields := array_append(fields, field);
                if cardinality(fields) = width then
                    return next fields;
                end if;
            end if;
            fields := '{}';
            field := '';
        else
            field := field || symbol;
        end if;
        at := at + 1;
    end loop;
end
$$;
-- PostgreSQL's groups have no names.
create function mz_internal.plain_groups(pattern text) returns text language sql immutable strict parallel safe
return regexp_replace(pattern, '\(\?P?<[A-Za-z_][A-Za-z0-9_]*>', '(', 'g');
do $do$
declare
    width integer;
    columns text;
    fields text;
begin
    for width in 1 .. 40 loop
        select string_agg(format('out column%s text', n), ', ' order by n), string_agg(format('r.fields[%s]', n), ', ' order by n)
        into columns, fields
        from generate_series(1, width) as n;
        execute format(
            'create function mz_internal.csv_extract_%1$s(data text, %2$s) returns setof %3$s language sql immutable parallel safe rows 10 begin atomic select %4$s from mz_internal.csv_records(data, %1$s) as r (fields); end',
            width, columns, case width when 1 then 'text' else 'record' end, fields
        );
        execute format(
            'create function mz_internal.regexp_extract_%1$s(pattern text, value text, %2$s) returns setof %3$s language sql immutable parallel safe rows 1 begin atomic select %4$s from regexp_match(value, mz_internal.plain_groups(pattern)) as r (fields) where r.fields is not null; end',
            width, columns, case width when 1 then 'text' else 'record' end, fields
        );
    end loop;
end
$do$;

-- LAG and LEAD that ignore nulls: the last or first value of a frame, or one further away.
create function mz_internal.later_value(anyelement, anyelement) returns anyelement language sql immutable parallel safe
as 'select coalesce($2, $1)';
create function mz_internal.earlier_value(anyelement, anyelement) returns anyelement language sql immutable parallel safe
as 'select coalesce($1, $2)';
create aggregate mz_internal.last_value_of(anyelement) (sfunc = mz_internal.later_value, stype = anyelement);
create aggregate mz_internal.first_value_of(anyelement) (sfunc = mz_internal.earlier_value, stype = anyelement);
create function mz_internal.from_end(anyarray, integer) returns anyelement language sql immutable parallel safe
as 'select $1[cardinality($1) - $2 + 1]';
create function mz_internal.from_start(anyarray, integer) returns anyelement language sql immutable parallel safe
as 'select $1[$2]';
create function mz_internal.lag(anyelement) returns anyelement language sql immutable parallel safe as 'select $1';
create function mz_internal.lead(anyelement) returns anyelement language sql immutable parallel safe as 'select $1';
create function mz_internal.lag(anycompatible, anycompatible) returns anycompatible language sql immutable parallel safe
as 'select coalesce($1, $2)';
create function mz_internal.lead(anycompatible, anycompatible) returns anycompatible language sql immutable parallel safe
as 'select coalesce($1, $2)';

create function mz_catalog.has_role(text, text) returns boolean language sql stable strict parallel safe return true;
create function mz_catalog.has_role(oid, text) returns boolean language sql stable strict parallel safe return true;
create function mz_catalog.has_role(text, text, text) returns boolean language sql stable strict parallel safe return true;
create function mz_catalog.has_role(text, oid, text) returns boolean language sql stable strict parallel safe return true;
create function mz_catalog.has_role(oid, text, text) returns boolean language sql stable strict parallel safe return true;
create function mz_catalog.has_role(oid, oid, text) returns boolean language sql stable strict parallel safe return true;

-- What stands for a match in a replacement that is computed: groups by number, $1 or ${1}; a backslash is one.
create function mz_internal.regexp_replacement(replacement text) returns text language sql immutable parallel safe
return replace(
    pg_catalog.regexp_replace(
        pg_catalog.regexp_replace(replace(replace(replacement, '\', '\\'), '$$', chr(1)), '\$(?:\{0\}|0(?![0-9A-Za-z_]))', '\\&', 'g'),
        '\$(?:\{([1-9])\}|([1-9])(?![0-9A-Za-z_]))', '\\\1\2', 'g'
    ),
    chr(1), '$'
);

-- Queries that are written out are broken into lines before PostgreSQL sees them.
create function mz_internal.pretty_sql(lines text) returns text language sql immutable strict parallel safe return lines;
create function mz_catalog.pretty_sql(statement text, width integer default 100) returns text language plpgsql immutable strict parallel safe
as $$
begin
    raise exception 'pretty_sql of what is no query that is written out not yet supported' using errcode = '0A000';
end
$$;

-- The session's variables, as SHOW says them.
create function mz_internal.current_setting(name text, missing_ok boolean default false) returns text
language plpgsql stable strict parallel safe
as $$
declare
    value text := nullif(pg_catalog.current_setting('mzlite.variables', true), '')::jsonb ->> lower(name);
begin
    if value is null and not missing_ok then
        raise exception 'unrecognized configuration parameter "%"', name using errcode = 'XX000';
    end if;
    return value;
end
$$;

-- What a query with a limit for its result asks before it gives a row.
create function mz_internal.within_result_size(size bigint, maximum bigint, shown text) returns boolean
language plpgsql stable parallel safe
as $$
begin
    if size > maximum then
        raise exception 'result exceeds max size of %', shown using errcode = 'out_of_memory';
    end if;
    return true;
end
$$;
