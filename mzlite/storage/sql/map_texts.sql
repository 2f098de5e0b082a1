-- Texts as maps, by Materialize's rules, and map_build(). Here because the values of maps may be lists.

-- The JSON object of a map's text.
--   layers: 1, or as many as there are maps within maps; leaf: the type of the innermost values
create function mz_internal.map_json(value text, layers integer, leaf text) returns jsonb language plpgsql immutable strict parallel safe
as $$
declare
    c text[] := string_to_array(value, null);
    n integer := coalesce(cardinality(c), 0);
    i integer := 2;
    found record;
    is_key boolean := true;
    key text;
    item text;
    keys text[] := '{}';
    items text[] := '{}';
    result jsonb;
    why text;
begin
    <<parsing>>
    begin
        if n = 0 or c[1] <> '{' then
            why := format('expected ''{'', found %s', coalesce(c[1], 'empty string'));
            exit parsing;
        end if;
        loop
            while i <= n and c[i] ~ '\s' loop i := i + 1; end loop;
            if is_key then
                if i <= n and c[i] = '}' then
                    i := i + 1;
                    exit;
                elsif cardinality(keys) > 0 then
                    if i > n then
                        why := 'unexpected end of input';
                    elsif c[i] <> ',' then
                        why := format('expected '','' or end of input, got ''%s''', c[i]);
                    end if;
                    exit parsing when why is not null;
                    i := i + 1;
                    while i <= n and c[i] ~ '\s' loop i := i + 1; end loop;
                end if;
            end if;
            if c[i] = '{' and not is_key and layers = 1 and leaf not like 'mz\_catalog.list\_%' then
                why := 'unescaped ''{'' at beginning of value; perhaps you want a nested map, e.g. ''{a=>{a=>1}}''::map[text=>map[text=>int]]';
                exit parsing;
            end if;
            found := mz_internal.literal_item(c, i, array['{', '"', '>'], array[',', '}', '='], not is_key);
            i := found.i;
            item := found.item;
            why := found.why;
            exit parsing when why is not null;
            if is_key then
                if item is null then
                    why := 'expected key';
                    exit parsing;
                end if;
                key := item;
                while i <= n and c[i] ~ '\s' loop i := i + 1; end loop;
                if i + 1 > n or c[i] <> '=' or c[i + 1] <> '>' then
                    why := 'expected =>';
                    exit parsing;
                end if;
                i := i + 2;
            else
                if layers > 1 then
                    item := mz_internal.map_json(item, layers - 1, leaf)::text;
                end if;
                keys := array_append(keys, key);
                items := array_append(items, item);
            end if;
            is_key := not is_key;
        end loop;
        execute format(
            'select coalesce(pg_catalog.jsonb_object_agg(e.key, %s order by e.n), ''{}'') from unnest($1, $2) with ordinality as e (key, item, n)',
            case when layers > 1 then 'e.item::jsonb' else format('pg_catalog.to_jsonb(mz_internal.in_json(e.item::%s))', leaf) end
        ) into result using keys, items;
    exception when data_exception or raise_exception or internal_error then
        why := sqlerrm;
    end;
    if why is not null then
        raise exception 'invalid input syntax for type map: %: "%"', why, value using errcode = 'XX000';
    end if;
    return result;
end
$$;
create function mz_internal.nested_map(value text, layers integer, leaf text) returns mz_catalog.map_nested
language sql immutable strict parallel safe return mz_internal.map_json(value, layers, leaf)::mz_catalog.map_nested;

do $do$
declare
    kind text;
begin
    foreach kind in array array[
        'text', 'bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'bytea', 'date', 'time', 'timestamp', 'timestamptz', 'interval',
        'uuid', 'jsonb'
    ] loop
        execute format(
            'create function mz_internal.cast_to_map_%1$s(text) returns mz_catalog.map_%1$s language sql immutable strict parallel safe return mz_internal.map_json($1, 1, %1$L)::mz_catalog.map_%1$s',
            kind
        );
        execute format('create cast (text as mz_catalog.map_%1$s) with function mz_internal.cast_to_map_%1$s(text)', kind);
    end loop;
end
$do$;

-- The headers of a message, and records of a text and something else, as a map; of equal keys the last counts.
create function mz_catalog.map_build(headers mz_catalog.kafka_header[]) returns mz_catalog.map_bytea language sql immutable strict parallel safe
begin atomic
select coalesce(pg_catalog.jsonb_object_agg(h.key, h.value::text order by h.n) filter (where h.key is not null), '{}')::mz_catalog.map_bytea
from unnest(headers) with ordinality as h (key, value, n);
end;
create function mz_catalog.map_build(records mz_catalog.list_record) returns mz_catalog.map_nested language sql immutable strict parallel safe
begin atomic
select coalesce(pg_catalog.jsonb_object_agg(f.key, f.value order by f.n) filter (where f.key is not null), '{}')::mz_catalog.map_nested
from (
    select u.n, max(p.value #>> '{}') filter (where p.place = 1) as key, (array_agg(p.value) filter (where p.place = 2))[1] as value
    from jsonb_array_elements(mz_internal.in_json(records)) with ordinality as u (record, n)
    cross join lateral (select e.value, row_number() over () as place from jsonb_each(u.record) as e (key, value)) as p
    group by u.n
) as f;
end;

create function mz_catalog.list_length(headers mz_catalog.kafka_header[]) returns integer language internal immutable strict parallel safe as 'array_cardinality';

-- Into a list or a map a literal in braces goes as its cast reads it, into everything else as a literal does.
set local allow_system_table_mods = on;
insert into pg_cast
select pg_nextoid('pg_cast', 'oid', 'pg_cast_oid_index'), 'mz_internal.braced'::regtype, t.oid, coalesce(c.castfunc, 0), 'a', case when c.oid is null then 'i' else 'f' end
from pg_type as t
inner join pg_namespace as n on n.oid = t.typnamespace and n.nspname in ('pg_catalog', 'mz_catalog')
left join pg_cast as c on c.castsource = 'text'::regtype and c.casttarget = t.oid and t.typname ~ '^(list|map)_'
where t.typtype in ('b', 'r') and not exists (select from pg_type as e where e.oid = t.typelem and e.typrelid <> 0)
    and not exists (select from pg_cast as k where k.castsource = 'mz_internal.braced'::regtype and k.casttarget = t.oid);
