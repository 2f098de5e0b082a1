-- Maps: for each type of values a base type over jsonb, so that comparing, hashing and sorting are PostgreSQL's own functions.
-- Inside, a map is a JSON object whose values are what `in_json` makes of them; the relay shows it as {key=>value}.

create function mz_internal.map_item(item text) returns text language sql immutable parallel safe
return case
    when item is null then 'NULL'
    when item = '' or item = 'NULL' or item ~ '[{}",=>\\\s]' then '"' || replace(replace(item, '\', '\\'), '"', '\"') || '"'
    else item
end;
create function mz_internal.map_value(value jsonb, nested boolean) returns text language plpgsql immutable strict parallel safe
as $$
begin
    return case jsonb_typeof(value)
        when 'null' then 'NULL'
        when 'string' then mz_internal.map_item(value #>> '{}')
        when 'boolean' then left(value #>> '{}', 1)
        when 'number' then trim_scale((value #>> '{}')::numeric)::text
        when 'object' then case when nested then mz_internal.map_text(value, nested) else mz_internal.map_item(mz_internal.as_text(value)) end
        else case
            when nested then '{' || coalesce((
                select string_agg(mz_internal.map_value(e.item, nested), ',' order by e.n)
                from pg_catalog.jsonb_array_elements(value) with ordinality as e (item, n)
            ), '') || '}'
            else mz_internal.map_item(mz_internal.as_text(value))
        end
    end;
end
$$;
create function mz_internal.map_text(value jsonb, nested boolean) returns text language plpgsql immutable strict parallel safe
as $$
begin
    if jsonb_typeof(value) <> 'object' then
        return mz_internal.map_value(value, nested);
    end if;
    return '{' || coalesce((
        select string_agg(mz_internal.map_item(e.key) || '=>' || mz_internal.map_value(e.value, nested), ',' order by e.key collate "C")
        from pg_catalog.jsonb_each(value) as e
    ), '') || '}';
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

do $do$
declare
    t record;
    op record;
begin
    for t in
        select 'map_' || v.name as name, v.type as type from (values
            ('text', 'text'), ('bool', 'boolean'), ('int2', 'smallint'), ('int4', 'integer'), ('int8', 'bigint'), ('numeric', 'numeric'),
            ('float4', 'real'), ('float8', 'double precision'), ('date', 'date'), ('time', 'time'), ('timestamp', 'timestamp'),
            ('timestamptz', 'timestamptz'), ('interval', 'interval'), ('uuid', 'uuid'), ('bytea', 'bytea'), ('jsonb', 'jsonb'),
            ('nested', 'mz_catalog.map_nested')
        ) as v (name, type)
    loop
        execute format('create type mz_catalog.%I', t.name);
        execute format('create function mz_catalog.%1$s_in(cstring) returns mz_catalog.%1$I language internal immutable strict parallel safe as ''jsonb_in''', t.name);
        execute format('create function mz_catalog.%1$s_out(mz_catalog.%1$I) returns cstring language internal immutable strict parallel safe as ''jsonb_out''', t.name);
        execute format('create function mz_catalog.%1$s_recv(internal) returns mz_catalog.%1$I language internal immutable strict parallel safe as ''jsonb_recv''', t.name);
        execute format('create function mz_catalog.%1$s_send(mz_catalog.%1$I) returns bytea language internal immutable strict parallel safe as ''jsonb_send''', t.name);
        execute format(
            'create type mz_catalog.%1$I (input = mz_catalog.%1$s_in, output = mz_catalog.%1$s_out, receive = mz_catalog.%1$s_recv, send = mz_catalog.%1$s_send, like = jsonb)',
            t.name
        );
        for op in
            select * from (values
                ('=', 'eq', '=', '<>', 'eqsel', 'eqjoinsel', ', hashes, merges'), ('<>', 'ne', '<>', '=', 'neqsel', 'neqjoinsel', ''),
                ('<', 'lt', '>', '>=', 'scalarltsel', 'scalarltjoinsel', ''), ('<=', 'le', '>=', '>', 'scalarlesel', 'scalarlejoinsel', ''),
                ('>', 'gt', '<', '<=', 'scalargtsel', 'scalargtjoinsel', ''), ('>=', 'ge', '<=', '<', 'scalargesel', 'scalargejoinsel', '')
            ) as v (symbol, name, commutator, negator, restriction, joined, flags)
        loop
            execute format('create function mz_internal.%1$s_%2$s(mz_catalog.%1$s, mz_catalog.%1$s) returns boolean language internal immutable strict parallel safe as %3$L', t.name, op.name, 'jsonb_' || op.name);
            execute format(
                'create operator mzlite_compare.%1$s (leftarg = mz_catalog.%2$s, rightarg = mz_catalog.%2$s, function = mz_internal.%2$s_%3$s, commutator = operator(mzlite_compare.%4$s), negator = operator(mzlite_compare.%5$s), restrict = %6$s, join = %7$s%8$s)',
                op.symbol, t.name, op.name, op.commutator, op.negator, op.restriction, op.joined, op.flags
            );
        end loop;
        execute format('create function mz_internal.%1$s_cmp(mz_catalog.%1$s, mz_catalog.%1$s) returns integer language internal immutable strict parallel safe as ''jsonb_cmp''', t.name);
        execute format('create function mz_internal.%1$s_hash(mz_catalog.%1$s) returns integer language internal immutable strict parallel safe as ''jsonb_hash''', t.name);
        execute format('create function mz_internal.%1$s_hash_extended(mz_catalog.%1$s, bigint) returns bigint language internal immutable strict parallel safe as ''jsonb_hash_extended''', t.name);
        execute format(
            'create operator class mz_catalog.%1$s_ops default for type mz_catalog.%1$s using btree as operator 1 mzlite_compare.<, operator 2 mzlite_compare.<=, operator 3 mzlite_compare.=, operator 4 mzlite_compare.>=, operator 5 mzlite_compare.>, function 1 mz_internal.%1$s_cmp(mz_catalog.%1$s, mz_catalog.%1$s)',
            t.name
        );
        execute format(
            'create operator class mz_catalog.%1$s_hash_ops default for type mz_catalog.%1$s using hash as operator 1 mzlite_compare.=, function 1 mz_internal.%1$s_hash(mz_catalog.%1$s), function 2 mz_internal.%1$s_hash_extended(mz_catalog.%1$s, bigint)',
            t.name
        );
        execute format('create cast (mz_catalog.%I as jsonb) without function', t.name);
        execute format('create cast (jsonb as mz_catalog.%I) without function', t.name);
        execute format('create function mz_internal.as_text(mz_catalog.%I) returns text language sql immutable strict parallel safe return mz_internal.map_text($1::jsonb, %L)', t.name, t.type <> 'jsonb');
        execute format('create cast (mz_catalog.%1$I as text) with function mz_internal.as_text(mz_catalog.%1$I) as assignment', t.name);
        execute format('create function mz_internal.in_json(mz_catalog.%I) returns jsonb language sql immutable parallel safe return $1::jsonb', t.name);

        -- What a key has, as the type of the values.
        execute format(
            'create function mz_internal.map_get(mz_catalog.%1$I, text) returns %2$s language sql immutable strict parallel safe return %3$s',
            t.name, t.type,
            case when t.type in ('jsonb', 'mz_catalog.map_nested') then format('pg_catalog.jsonb_object_field($1::jsonb, $2)::%s', t.type) else format('pg_catalog.jsonb_object_field_text($1::jsonb, $2)::%s', t.type) end
        );
        execute format('create operator mz_catalog.-> (leftarg = mz_catalog.%1$I, rightarg = text, function = mz_internal.map_get)', t.name);
        for op in
            select * from (values ('?', 'text', 'jsonb_exists'), ('?|', 'text[]', 'jsonb_exists_any'), ('?&', 'text[]', 'jsonb_exists_all')) as v (symbol, type, internal)
        loop
            if op.symbol = '?&' then
                -- No map has the key null.
                execute format('create function mz_internal.map_exists_all(mz_catalog.%I, text[]) returns boolean language sql immutable strict parallel safe return jsonb_exists_all($1::jsonb, $2) and array_position($2, null) is null', t.name);
            else
                execute format('create function mz_internal.%1$s(mz_catalog.%2$I, %3$s) returns boolean language internal immutable strict parallel safe as %4$L', replace(op.internal, 'jsonb', 'map'), t.name, op.type, op.internal);
            end if;
            execute format('create operator mz_catalog.%1$s (leftarg = mz_catalog.%2$I, rightarg = %3$s, function = mz_internal.%4$s)', op.symbol, t.name, op.type, replace(op.internal, 'jsonb', 'map'));
        end loop;
        for op in
            select * from (values ('@>', 'contains', 1, 2), ('<@', 'contained', 2, 1)) as v (symbol, name, whole, part)
        loop
            -- A key's value is there as a whole or not at all: nothing changes when the part is put over it.
            execute format(
                'create function mz_internal.map_%1$s(mz_catalog.%2$I, mz_catalog.%2$I) returns boolean language sql immutable strict parallel safe return pg_catalog.jsonb_eq(pg_catalog.jsonb_concat($%3$s::jsonb, $%4$s::jsonb), $%3$s::jsonb)',
                op.name, t.name, op.whole, op.part
            );
            execute format('create operator mz_catalog.%1$s (leftarg = mz_catalog.%2$I, rightarg = mz_catalog.%2$I, function = mz_internal.map_%3$s)', op.symbol, t.name, op.name);
        end loop;

        execute format('create function mz_catalog.map_length(mz_catalog.%I) returns integer language sql immutable strict parallel safe return mz_catalog.map_length($1::jsonb)', t.name);
        execute format(
            'create function mz_catalog.unnest(mz_catalog.%1$I, out key text, out value %2$s) returns setof record language sql immutable parallel safe rows 10 begin atomic select k.key, mz_internal.map_get($1, k.key) from jsonb_object_keys($1::jsonb) as k (key) order by k.key collate "C"; end',
            t.name, t.type
        );
        execute format(
            'create function mz_internal.map(keys text[], items %2$s[]) returns mz_catalog.%1$I language sql immutable parallel safe begin atomic select coalesce(jsonb_object_agg(e.key, mz_internal.in_json(e.item) order by e.n), ''{}'')::mz_catalog.%1$I from unnest(keys, items) with ordinality as e (key, item, n); end',
            t.name, t.type
        );
        execute format('create function mz_internal.%1$s_end(internal) returns mz_catalog.%1$I language internal stable parallel safe as ''jsonb_object_agg_finalfn''', t.name);
        execute format(
            'create aggregate mz_catalog.map_agg(text, %2$s) (sfunc = jsonb_object_agg_transfn, stype = internal, finalfunc = mz_internal.%1$s_end, parallel = safe)',
            t.name, t.type
        );
    end loop;
end
$do$;
-- Values that are maps or lists are JSON to any depth.
create function mz_internal.map(value jsonb) returns mz_catalog.map_nested language sql immutable parallel safe return $1::mz_catalog.map_nested;
