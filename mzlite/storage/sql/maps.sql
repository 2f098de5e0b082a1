-- Maps: for each type of values a base type over jsonb, so that comparing, hashing and sorting are PostgreSQL's own functions.
-- Inside, a map is a JSON object whose values are what `in_json` makes of them, lists and maps within it JSON as well; the relay
-- shows it as {key=>value}. As with lists, rows of the catalog are written many at once.

create function mz_internal.map_item(item text) returns text language sql immutable parallel safe
return case
    when item is null then 'NULL'
    when item = '' or item = 'NULL' or item ~ '[{}",=>\\\s]' then '"' || replace(replace(item, '\', '\\'), '"', '\"') || '"'
    else item
end;
-- What a map or list has inside, as text. The shape is the type's name: map_list_int4; in one that is called nested the JSON says it.
create function mz_internal.inner_text(value jsonb, shape text, in_list boolean) returns text language plpgsql immutable strict parallel safe
as $$
declare
    kind text := jsonb_typeof(value);
    item text;
begin
    if kind = 'null' then
        return 'NULL';
    elsif shape ~ '^(map|list)_' then
        return mz_internal.map_text(value, shape);
    elsif shape = 'nested' and kind in ('object', 'array') then
        return mz_internal.map_text(value, case kind when 'object' then 'map_nested' else 'list_nested' end);
    end if;
    item := case
        when shape = 'jsonb' or kind in ('object', 'array') then mz_internal.as_text(value)
        when kind = 'boolean' then left(value #>> '{}', 1)
        when kind = 'number' then trim_scale((value #>> '{}')::numeric)::text
        else value #>> '{}'
    end;
    return case when in_list then mz_internal.list_item(item) else mz_internal.map_item(item) end;
end
$$;
create function mz_internal.map_text(value jsonb, shape text) returns text language plpgsql immutable strict parallel safe
as $$
begin
    if shape like 'map\_%' then
        return '{' || coalesce((
            select string_agg(mz_internal.map_item(e.key) || '=>' || mz_internal.inner_text(e.value, substr(shape, 5), false), ',' order by e.key collate "C")
            from pg_catalog.jsonb_each(value) as e
        ), '') || '}';
    end if;
    return '{' || coalesce((
        select string_agg(mz_internal.inner_text(e.item, substr(shape, 6), true), ',' order by e.n)
        from pg_catalog.jsonb_array_elements(value) with ordinality as e (item, n)
    ), '') || '}';
end
$$;

-- The JSON object of a map's text.
--   nested: whether the values are maps; kind: the type of the values
create function mz_internal.map_json(value text, nested boolean, kind text) returns jsonb language plpgsql immutable strict parallel safe
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
            if c[i] = '{' and not is_key and not nested then
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
                keys := array_append(keys, key);
                items := array_append(items, item);
            end if;
            is_key := not is_key;
        end loop;
    end;
    -- What is wrong with a value before a wrong place is said first.
    begin
        execute format(
            'select coalesce(pg_catalog.jsonb_object_agg(e.key, mz_internal.in_json(e.item::%s) order by e.n), ''{}'') from unnest($1, $2) with ordinality as e (key, item, n)',
            kind
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

create function mz_internal.no_arrays(dimensions integer) returns boolean language plpgsql immutable parallel safe
as $$
begin
    if dimensions > 1 then
        raise exception 'a map to arrays' using errcode = '0A000';
    end if;
    return true;
end
$$;

-- Materialize sorts and groups maps, but its queries cannot compare them; lists they compare by = only. What compares them lives
-- where no client searches; in a directory of an older version it does not yet.
set local allow_system_table_mods = on;
update pg_catalog.pg_operator set oprnamespace = 'mzlite_compare'::regnamespace
where oprnamespace = 'mz_catalog'::regnamespace and oprleft = oprright and oprleft in (
    select t.oid from pg_catalog.pg_type as t
    where t.typnamespace = 'mz_catalog'::regnamespace and t.typname ~ case oprname when '=' then '^map_' else '^(map|list)_' end
) and oprname in ('=', '<>', '<', '<=', '>', '>=');

-- The map to integers is made by statements; the rows of the others are copies of its rows and of those of jsonb.
create type mz_catalog.map_int4;
create function mz_catalog.map_int4_in(cstring) returns mz_catalog.map_int4 language internal immutable strict parallel safe as 'jsonb_in';
create function mz_catalog.map_int4_out(mz_catalog.map_int4) returns cstring language internal immutable strict parallel safe as 'jsonb_out';
create function mz_catalog.map_int4_recv(internal) returns mz_catalog.map_int4 language internal immutable strict parallel safe as 'jsonb_recv';
create function mz_catalog.map_int4_send(mz_catalog.map_int4) returns bytea language internal immutable strict parallel safe as 'jsonb_send';
create type mz_catalog.map_int4 (
    input = mz_catalog.map_int4_in, output = mz_catalog.map_int4_out, receive = mz_catalog.map_int4_recv, send = mz_catalog.map_int4_send, like = jsonb
);
create operator family mz_catalog.map_ops using btree;
create operator family mz_catalog.map_ops using hash;
create aggregate mz_internal.map_of_all(text, "any") (
    sfunc = jsonb_object_agg_transfn, stype = internal, finalfunc = jsonb_object_agg_finalfn, parallel = safe
);
set local check_function_bodies = off;
create function mz_catalog.unnest(mz_catalog.map_int4, out key text, out value integer) returns setof record
language sql immutable parallel safe rows 10
as 'select k.key, mz_internal.map_get($1, k.key) from pg_catalog.jsonb_object_keys(mz_internal.in_json($1)) as k (key) order by k.key collate "C"';

-- Makes the types of maps to values of the given types, with all that belongs to them, where they are not there yet.
create function mzlite.make_maps(kinds regtype[]) returns void language plpgsql as $make$
begin
    create temporary table if not exists map_types (name text, type oid, items oid, element oid, element_array oid, shape text, spelling text);
    truncate map_types;
    insert into map_types
    select
        'map_' || n.base, coalesce(t.oid, pg_nextoid('pg_type', 'oid', 'pg_type_oid_index')),
        coalesce(nullif(t.typarray, 0), mz_internal.array_type(t.oid), pg_nextoid('pg_type', 'oid', 'pg_type_oid_index')),
        e.oid, coalesce(nullif(e.typarray, 0), mz_internal.array_type(e.oid)),
        case
            when n.base like 'map\_%' or n.base = 'nested' then 'map'
            when n.base like 'list\_%' then 'list'
            when n.base = 'jsonb' then 'jsonb'
            when n.base in ('timestamp', 'timestamptz', 'interval', 'mz_timestamp', 'uint2', 'uint4', 'uint8') then 'computed'
            else 'plain'
        end,
        case when ns.nspname = 'mz_catalog' then 'mz_catalog.' || quote_ident(e.typname) else format_type(e.oid, null) end
    from unnest(kinds) as u (kind)
    inner join pg_type as e on e.oid = u.kind
    inner join pg_namespace as ns on ns.oid = e.typnamespace
    cross join lateral (values (
        case when e.typname = 'map_nested' then 'nested' when ns.nspname in ('pg_catalog', 'mz_catalog') then e.typname::text else e.oid::text end
    )) as n (base)
    left join pg_type as t on t.typname = 'map_' || n.base and t.typnamespace = 'mz_catalog'::regnamespace;

    insert into pg_type
    select r.*
    from map_types as m inner join pg_type as p on p.oid = 'mz_catalog.map_int4'::regtype
    cross join lateral jsonb_populate_record(p, jsonb_build_object('oid', m.type, 'typname', m.name, 'typarray', m.items)) as r
    where not exists (select from pg_type as t where t.oid = m.type);
    insert into pg_type
    select r.*
    from map_types as m inner join pg_type as p on p.oid = mz_internal.array_type('mz_catalog.map_int4'::regtype)
    cross join lateral jsonb_populate_record(p, jsonb_build_object('oid', m.items, 'typname', '_' || m.name, 'typelem', m.type)) as r
    where not exists (select from pg_type as t where t.oid = m.items);

    -- Functions. In templates L is the map's type, E that of its values, A the array of these.
    perform mzlite.begin_functions();
    insert into own_functions
    select
        f.schema, replace(f.name, '<L>', m.name),
        array(
            select case a.item when 'L' then m.type when 'E' then m.element when 'A' then m.element_array else a.item::regtype::oid end
            from unnest(string_to_array(f.arguments, ' ')) with ordinality as a (item, n) order by a.n
        ),
        case f.returns when 'L' then m.type when 'E' then m.element else f.returns::regtype::oid end,
        f.language,
        replace(replace(replace(replace(f.body, '<spelling>', m.spelling), '<base>', case m.name when 'map_nested' then m.name else substr(m.name, 5) end), '<L>', m.name), '<nested>', (m.shape = 'map')::text),
        f.strict, f.volatile::"char", 0
    from map_types as m
    inner join (values
        ('mz_internal', 'as_<L>', 'jsonb', 'L', 'internal', 'int8up', true, 'i', ''),
        ('mz_internal', 'in_json', 'L', 'jsonb', 'internal', 'int8up', true, 'i', ''),
        ('mz_internal', 'of_json_<L>', 'jsonb', 'L', 'sql', 'select mz_internal.as_<L>(nullif($1, ''null''))', true, 'i', ''),
        ('mz_internal', 'map_json', 'L', 'json', 'sql', 'select pg_catalog.to_json(mz_internal.in_json($1))', true, 'i', ''),
        ('mz_internal', 'as_text', 'L', 'text', 'sql', 'select mz_internal.map_text(mz_internal.in_json($1), ''<L>'')', true, 'i', ''),
        ('mz_internal', 'cast_to_<L>', 'text', 'L', 'sql', 'select mz_internal.as_<L>(mz_internal.map_json($1, <nested>, ''<spelling>''))', true, 'i', ''),
        -- The type's input, as that of lists.
        ('mz_internal', 'read_<L>', 'cstring oid integer', 'L', 'sql', 'select mz_internal.cast_to_<L>(textin($1))', true, 'i', ''),
        -- What a key has, as the type of the values.
        ('mz_internal', 'map_get', 'L text', 'E', 'sql', 'select pg_catalog.jsonb_object_field_text(mz_internal.in_json($1), $2)::<spelling>', true, 'i', 'plain computed'),
        ('mz_internal', 'map_get', 'L text', 'E', 'sql', 'select pg_catalog.jsonb_object_field(mz_internal.in_json($1), $2)', true, 'i', 'jsonb'),
        ('mz_internal', 'map_get', 'L text', 'E', 'sql', 'select mz_internal.of_json_<base>(pg_catalog.jsonb_object_field(mz_internal.in_json($1), $2))', true, 'i', 'map list'),
        ('mz_internal', 'map_exists', 'L text', 'boolean', 'internal', 'jsonb_exists', true, 'i', ''),
        ('mz_internal', 'map_exists_any', 'L text[]', 'boolean', 'internal', 'jsonb_exists_any', true, 'i', ''),
        -- No map has the key null.
        ('mz_internal', 'map_exists_all', 'L text[]', 'boolean', 'sql', 'select jsonb_exists_all(mz_internal.in_json($1), $2) and array_position($2, null) is null', true, 'i', ''),
        -- A key's value is there as a whole or not at all: nothing changes when the part is put over it.
        ('mz_internal', 'map_contains', 'L L', 'boolean', 'sql', 'select pg_catalog.jsonb_eq(pg_catalog.jsonb_concat(mz_internal.in_json($1), mz_internal.in_json($2)), mz_internal.in_json($1))', true, 'i', ''),
        ('mz_internal', 'map_contained', 'L L', 'boolean', 'sql', 'select pg_catalog.jsonb_eq(pg_catalog.jsonb_concat(mz_internal.in_json($2), mz_internal.in_json($1)), mz_internal.in_json($2))', true, 'i', ''),
        ('mz_catalog', 'map_length', 'L', 'integer', 'sql', 'select mz_internal.map_length(mz_internal.in_json($1))', true, 'i', ''),
        ('mz_internal', 'map', 'text[] A', 'L', 'sql', 'select mz_internal.as_<L>(coalesce(pg_catalog.jsonb_object_agg(e.key, mz_internal.in_json(e.item) order by e.n), ''{}'')) from unnest($1, $2) with ordinality as e (key, item, n) where mz_internal.no_arrays(array_ndims($2))', false, 'i', 'plain computed jsonb list'),
        -- There are no arrays of maps: a map to such is made of its pairs one by one.
        ('mz_internal', 'map', 'text E', 'L', 'sql', 'select mz_internal.as_<L>(pg_catalog.jsonb_build_object($1, mz_internal.in_json($2)))', false, 'i', 'map'),
        ('mz_internal', 'map', 'L text E', 'L', 'sql', 'select mz_internal.as_<L>(pg_catalog.jsonb_concat(mz_internal.in_json($1), pg_catalog.jsonb_build_object($2, mz_internal.in_json($3))))', false, 'i', 'map'),
        ('mz_internal', '<L>_end', 'internal', 'L', 'internal', 'jsonb_object_agg_finalfn', false, 's', 'plain jsonb list map'),
        ('mz_internal', '<L>_end', 'internal', 'L', 'sql',
            'select case when w.whole is not null then mz_internal.as_<L>(coalesce((select pg_catalog.jsonb_object_agg(e.key, mz_internal.in_json((e.value #>> ''{}'')::<spelling>)) from pg_catalog.jsonb_each(w.whole) as e), ''{}'')) end from (select pg_catalog.jsonb_object_agg_finalfn($1) as whole offset 0) as w', false, 's', 'computed')
    ) as f (schema, name, arguments, returns, language, body, strict, volatile, shapes)
        on f.shapes = '' or m.shape = any (string_to_array(f.shapes, ' '));
    perform mzlite.add_functions();
    -- A function in SQL reads the texts of maps: PostgreSQL refuses to make one that takes a cstring, but calls one that is there.
    update pg_type as t set typinput = p.oid
    from map_types as m
    inner join pg_proc as p on p.proname = 'read_' || m.name and p.pronamespace = 'mz_internal'::regnamespace and p.pronargs = 3
    where t.oid = m.type and t.typinput <> p.oid;
    insert into pg_proc
    select r.*
    from map_types as m inner join pg_proc as p on p.oid = 'mz_catalog.unnest(mz_catalog.map_int4)'::regprocedure
    cross join lateral jsonb_populate_record(p, jsonb_build_object(
        'oid', pg_nextoid('pg_proc', 'oid', 'pg_proc_oid_index'), 'proargtypes', m.type::text,
        'proallargtypes', jsonb_build_array(m.type, 'text'::regtype::oid, m.element)
    )) as r
    where not exists (
        select from pg_proc as o where o.proname = 'unnest' and o.pronamespace = 'mz_catalog'::regnamespace and o.proargtypes::text = m.type::text
    );

    -- map_agg.
    insert into pg_proc
    select r.*
    from map_types as m inner join pg_proc as p on p.oid = 'mz_internal.map_of_all(text, "any")'::regprocedure
    cross join lateral jsonb_populate_record(p, jsonb_build_object(
        'oid', pg_nextoid('pg_proc', 'oid', 'pg_proc_oid_index'), 'proname', 'map_agg', 'pronamespace', 'mz_catalog'::regnamespace::oid,
        'prorettype', m.type, 'proargtypes', concat_ws(' ', 'text'::regtype::oid, m.element)
    )) as r
    where not exists (
        select from pg_proc as o
        where o.proname = 'map_agg' and o.pronamespace = 'mz_catalog'::regnamespace and o.proargtypes::text = concat_ws(' ', 'text'::regtype::oid, m.element)
    );
    insert into pg_aggregate
    select r.*
    from map_types as m
    inner join pg_proc as p
        on p.proname = 'map_agg' and p.pronamespace = 'mz_catalog'::regnamespace and p.proargtypes::text = concat_ws(' ', 'text'::regtype::oid, m.element)
    inner join pg_proc as f on f.proname = m.name || '_end' and f.pronamespace = 'mz_internal'::regnamespace
    inner join pg_aggregate as g on g.aggfnoid = 'mz_internal.map_of_all(text, "any")'::regprocedure
    cross join lateral jsonb_populate_record(g, jsonb_build_object('aggfnoid', p.oid, 'aggfinalfn', f.oid)) as r
    where not exists (select from pg_aggregate as o where o.aggfnoid = p.oid);

    -- Operators.
    insert into pg_operator
    select r.*
    from map_types as m
    inner join (values
        ('->', 'map_get'), ('?', 'map_exists'), ('?|', 'map_exists_any'), ('?&', 'map_exists_all'), ('@>', 'map_contains'), ('<@', 'map_contained')
    ) as v (symbol, function) on true
    inner join pg_proc as p on p.pronamespace = 'mz_internal'::regnamespace and p.proname = v.function and p.proargtypes[0] = m.type
    inner join pg_operator as j on j.oid = '@>(jsonb, jsonb)'::regoperator
    cross join lateral jsonb_populate_record(j, jsonb_build_object(
        'oid', pg_nextoid('pg_operator', 'oid', 'pg_operator_oid_index'), 'oprname', v.symbol, 'oprnamespace', 'mz_catalog'::regnamespace::oid,
        'oprleft', m.type, 'oprright', p.proargtypes[1], 'oprresult', p.prorettype, 'oprcom', 0, 'oprnegate', 0, 'oprcode', p.oid,
        'oprrest', 0, 'oprjoin', 0, 'oprcanmerge', false, 'oprcanhash', false
    )) as r
    where not exists (select from pg_operator as o where o.oprname = v.symbol and o.oprleft = m.type);
    perform mzlite.add_comparisons(array(select m.type from map_types as m), 'jsonb', 'map_ops', '{}');

    insert into pg_cast
    select pg_nextoid('pg_cast', 'oid', 'pg_cast_oid_index'), v.source, v.target, p.oid, v.context, 'f'
    from map_types as m
    cross join lateral (values
        (m.type, 'text'::regtype::oid, 'a'::"char", 'as_text'), ('text'::regtype::oid, m.type, 'e', 'cast_to_' || m.name), (m.type, 'json'::regtype::oid, 'e', 'map_json')
    ) as v (source, target, context, function)
    inner join pg_proc as p
        on p.proname = v.function and p.pronamespace = 'mz_internal'::regnamespace and p.pronargs = 1 and p.proargtypes[0] = v.source and p.prorettype = v.target
    where not exists (select from pg_cast as k where k.castsource = v.source and k.casttarget = v.target);
    -- There are no arrays of maps.
    update pg_type set typarray = 0 where typnamespace = 'mz_catalog'::regnamespace and typname ~ '^map_' and typarray <> 0;
end
$make$;

-- Of scalars, of lists and of these maps, up to three within one another; lists of maps.
select mzlite.make_maps(array(
    select t.oid::regtype from pg_type as t inner join pg_namespace as n on n.oid = t.typnamespace
    where n.nspname in ('pg_catalog', 'mz_catalog') and t.typname in (
        'bool', 'int2', 'int4', 'int8', 'uint2', 'uint4', 'uint8', 'numeric', 'float4', 'float8', 'text', 'bytea', 'date', 'time', 'timestamp',
        'timestamptz', 'interval', 'uuid', 'jsonb', 'oid', 'mz_timestamp', 'list_bool', 'list_int2', 'list_int4', 'list_int8', 'list_numeric', 'list_float4',
        'list_float8', 'list_text', 'list_bytea', 'list_date', 'list_time', 'list_timestamp', 'list_timestamptz', 'list_interval', 'list_uuid', 'list_jsonb'
    )
));
select mzlite.make_maps(array(
    select t.oid::regtype from pg_type as t where t.typname ~ '^map_(?!uint|oid|mz_|list|map|nested|[0-9])' and t.typnamespace = 'mz_catalog'::regnamespace
));
select mzlite.make_maps(array(
    select t.oid::regtype from pg_type as t where t.typname ~ '^map_map_(text|bool|int4|int8|numeric|float8|jsonb)$' and t.typnamespace = 'mz_catalog'::regnamespace
));
select mzlite.make_lists(array(
    select t.oid::regtype from pg_type as t where t.typname ~ '^map_(text|bool|int4|int8|numeric|float8|jsonb)$' and t.typnamespace = 'mz_catalog'::regnamespace
));
-- Their casts to lists of texts.
select mzlite.make_lists(array['text'::regtype]);

-- What map_build() makes of records: values of any type, as JSON.
insert into pg_type
select r.*
from (select pg_nextoid('pg_type', 'oid', 'pg_type_oid_index') as map, pg_nextoid('pg_type', 'oid', 'pg_type_oid_index') as items) as n
cross join lateral (values (n.map, 'mz_catalog.map_int4'::regtype::oid), (n.items, mz_internal.array_type('mz_catalog.map_int4'::regtype))) as v (oid, model)
inner join pg_type as p on p.oid = v.model
cross join lateral jsonb_populate_record(p, case p.typelem
    when 0 then jsonb_build_object('oid', n.map, 'typname', 'map_nested')
    else jsonb_build_object('oid', n.items, 'typname', '_map_nested', 'typelem', n.map)
end) as r
where to_regtype('mz_catalog.map_nested') is null;
select mzlite.make_maps(array['mz_catalog.map_nested'::regtype]);

-- The headers of a message, and records of a text and something else, as a map; of equal keys the last counts.
create function mz_catalog.map_build(headers mz_catalog.kafka_header[]) returns mz_catalog.map_bytea language sql immutable strict parallel safe
begin atomic
select mz_internal.as_map_bytea(coalesce(pg_catalog.jsonb_object_agg(h.key, h.value::text order by h.n) filter (where h.key is not null), '{}'))
from unnest(headers) with ordinality as h (key, value, n);
end;
create function mz_catalog.map_build(records mz_catalog.list_record) returns mz_catalog.map_nested language sql immutable strict parallel safe
begin atomic
select mz_internal.as_map_nested(coalesce(pg_catalog.jsonb_object_agg(f.key, f.value order by f.n) filter (where f.key is not null), '{}'))
from (
    select u.n, max(p.value #>> '{}') filter (where p.place = 1) as key, (array_agg(p.value) filter (where p.place = 2))[1] as value
    from jsonb_array_elements(mz_internal.in_json(records)) with ordinality as u (record, n)
    cross join lateral (select e.value, row_number() over () as place from jsonb_each(u.record) as e (key, value)) as p
    group by u.n
) as f;
end;

create function mz_catalog.list_length(headers mz_catalog.kafka_header[]) returns integer language internal immutable strict parallel safe as 'array_cardinality';
