-- WITH MUTUALLY RECURSIVE of a query that is answered once. (What is kept has functions of its own, made by
-- mzlite/dataflow/recursion.py: those follow renames and know their types beforehand.)
--
-- The description is that of mzlite/dialect/recursion.py. The bags of the bindings are held as arrays of rows of texts, in
-- an object by the bindings' names, each with its columns and types: {"r": {"columns": [..], "types": [..], "rows": [..]}}.
-- A query sees it as its parameter $1; so does a block inside a binding, which gets it as `state`.

-- The CTE that reads a binding out of the state.
create function mz_internal.recursion_binding(name text, binding jsonb) returns text
language sql immutable parallel safe
begin atomic
select
    format(
        '%I (%s) as (select %s from jsonb_array_elements($1 -> %L -> ''rows'') as mz_row (mz_values))',
        name,
        string_agg(quote_ident(c.label), ', ' order by c.place),
        string_agg(format('(mz_values ->> %s)::%s', c.place - 1, c.type), ', ' order by c.place),
        name
    )
from
    rows from (
        jsonb_array_elements_text(binding -> 'columns'), jsonb_array_elements_text(binding -> 'types')
    ) with ordinality as c (label, type, place);
end;

-- The WITH clause of a query of the block: what the state holds, and the CTEs in reach that no binding hides.
create function mz_internal.recursion_with(block jsonb, state jsonb) returns text
language sql immutable parallel safe
begin atomic
select
    'with ' || string_agg(i.text, ', ' order by i.place)
from (
    select
        mz_internal.recursion_binding(b.key, b.value) as text, 0 as place
    from jsonb_each(state) as b
    union all
    select
        r.value ->> 1 as text, r.ordinality as place
    from jsonb_array_elements(block -> 'reach') with ordinality as r
    where not state ? (r.value ->> 0)
) as i;
end;

-- How Materialize calls a type in messages.
create function mz_internal.recursion_type_name(type text) returns text
language sql immutable parallel safe
return replace(replace(type, 'character varying', 'varchar'), 'mz_catalog.', '');

-- Whether values of one type go into a column of another without being cast.
create function mz_internal.recursion_fits(given regtype, declared regtype) returns boolean
language sql stable parallel safe
begin atomic
select
    given = declared
    or exists (
        select from pg_catalog.pg_cast as c
        where c.castsource = given and c.casttarget = declared and c.castcontext in ('a', 'i')
    )
    or (
        select t.typcategory = 'S' from pg_catalog.pg_type as t where t.oid = declared
    );
end;

-- Raises if a binding's query does not give the declared columns.
create function mz_internal.recursion_check(name text, declared text [], given text []) returns void
language plpgsql stable parallel safe
as $$
begin
    if cardinality(declared) = cardinality(given) and (
        select bool_and(mz_internal.recursion_fits(g::regtype, d::regtype)) from unnest(declared, given) as t (d, g)
    ) then
        return;
    end if;
    raise exception using errcode = 'XX000', message = format(
        'WITH MUTUALLY RECURSIVE query %s declared types (%s), but query returns types (%s)',
        '"' || replace(name, '"', '""') || '"',
        (select string_agg(mz_internal.recursion_type_name(d::regtype::text), ', ' order by p) from unnest(declared) with ordinality as t (d, p)),
        (select string_agg(mz_internal.recursion_type_name(g), ', ' order by p) from unnest(given) with ordinality as t (g, p))
    );
end
$$;

-- What happens after an iteration that changed something; true to stop. A block without a limit is taken for one that never
-- ends after 2000 iterations, any block when a binding has ten million rows.
create function mz_internal.recursion_limit(iteration integer, size bigint, at integer, returns boolean) returns boolean
language plpgsql immutable parallel safe
as $$
begin
    if iteration < coalesce(at, 2000) and size < 10000000 then
        return false;
    end if;
    if at is null or iteration < at then
        raise exception 'Recursive query did not reach a fixed point within % iterations and % rows', iteration, size
            using errcode = '54000', hint = 'Materialize would go on for ever. Use UNION for UNION ALL, or state a RECURSION LIMIT.';
    end if;
    if not returns then
        -- A class that stays with the view whose error it is; clients are told XX000.
        raise exception using errcode = '22000', message = format(
            'Recursive query exceeded the recursion limit %s. (Use RETURN AT RECURSION LIMIT to not error, '
            'but return the current state as the final result when reaching the limit.)',
            at
        );
    end if;
    return true;
end
$$;

-- The rows of the wanted binding at the fixed point.
create function mz_internal.recursive(description text, state jsonb) returns setof record
language plpgsql stable rows 1000
as $$
declare
    block constant jsonb := description::jsonb;
    bags jsonb := coalesce(state, '{}');
    binding jsonb;
    prefix text;
    given integer;
    types text[];
    fresh jsonb;
    changed boolean;
    iteration integer := 0;
    size bigint;
begin
    for binding in select b from jsonb_array_elements(block -> 'bindings') as b loop
        bags := bags || jsonb_build_object(
            binding ->> 'name',
            jsonb_build_object('columns', binding -> 'columns', 'types', binding -> 'types', 'rows', '[]'::jsonb)
        );
    end loop;
    prefix := mz_internal.recursion_with(block, bags);
    for binding in select b from jsonb_array_elements(block -> 'bindings') as b loop
        execute format(
            '%s select (select count(*) from json_each(row_to_json(row(mz_q.*)))) from (select 1) as mz_one'
            ' left join (select * from (%s) as mz_p limit 0) as mz_q on true',
            prefix, binding ->> 'query'
        ) into given using bags;
        execute format(
            '%s select array[%s]::text[] from (select 1) as mz_one left join (select * from (%s) as mz_p limit 0) as mz_q (%s) on true',
            prefix, (select string_agg(format('pg_typeof(mz_q.mz_%s)', i), ', ' order by i) from generate_series(1, given) as i),
            binding ->> 'query', (select string_agg(format('mz_%s', i), ', ' order by i) from generate_series(1, given) as i)
        ) into types using bags;
        perform mz_internal.recursion_check(
            binding ->> 'name', array(select jsonb_array_elements_text(binding -> 'types')), types
        );
    end loop;
    loop
        iteration := iteration + 1;
        changed := false;
        size := 0;
        for binding in select b from jsonb_array_elements(block -> 'bindings') as b loop
            execute (
                select
                    format(
                        '%s select coalesce(jsonb_agg(mz_r order by mz_r), ''[]'') from (select jsonb_build_array(%s) as mz_r from (%s) as mz_q (%s)) as mz_s',
                        prefix,
                        -- Zeros at the end of a numeric do not make another value.
                        string_agg(
                            format(case when t.type::regtype = 'numeric'::regtype then 'trim_scale(mz_%s::%s)::text' else 'mz_%s::%s::text' end, t.place, t.type),
                            ', ' order by t.place
                        ),
                        binding ->> 'query',
                        string_agg(format('mz_%s', t.place), ', ' order by t.place)
                    )
                from jsonb_array_elements_text(binding -> 'types') with ordinality as t (type, place)
            ) into fresh using bags;
            size := greatest(size, jsonb_array_length(fresh));
            if fresh <> bags -> (binding ->> 'name') -> 'rows' then
                changed := true;
                bags := jsonb_set(bags, array[binding ->> 'name', 'rows'], fresh);
            end if;
        end loop;
        exit when not changed;
        exit when mz_internal.recursion_limit(iteration, size, (block ->> 'limit')::integer, (block ->> 'returns')::boolean);
    end loop;
    return query execute format('%s select * from %I', prefix, block ->> 'wanted') using bags;
end
$$;
