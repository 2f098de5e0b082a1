-- uint2, uint4 and uint8: base types over a type that holds their range, so that comparing, hashing and sorting are PostgreSQL's
-- own functions. uint2 is an integer, uint4 a bigint, uint8 an xid8, which is PostgreSQL's only unsigned type of 64 bits.
-- Between themselves they stay unsigned; with signed integers uint2 and uint4 compute as bigint, uint8 as numeric.

create function mz_internal.raise_uint_range(value text, type text) returns bigint
language plpgsql immutable strict parallel safe
as $$
begin
    raise exception '"%" % out of range', value, type using errcode = 'XX000';
end
$$;

-- What a text says. The types' own input functions take signs and other bases, too.
create function mz_internal.uint_of_text(value text, type text, maximum numeric) returns numeric
language plpgsql immutable strict parallel safe
as $$
begin
    if value !~ '^\s*\+?[0-9]+\s*$' then
        raise exception 'invalid input syntax for type %: %: "%"', type,
            case when value ~ '\S' then 'invalid digit found in string' else 'cannot parse integer from empty string' end, value
            using errcode = 'invalid_text_representation';
    elsif value::numeric > maximum then
        raise exception 'invalid input syntax for type %: number too large to fit in target type: "%"', type, value
            using errcode = 'invalid_text_representation';
    end if;
    return value::numeric;
end
$$;

do $do$
declare
    t record;
    op record;
    other text;
    arguments text[];
begin
    for t in
        select * from (values
            ('uint2', 'integer', 'int4', 'btint4cmp', 'int4up', '65535'),
            ('uint4', 'bigint', 'int8', 'btint8cmp', 'int8up', '4294967295'),
            ('uint8', 'xid8', 'xid8', 'xid8cmp', 'int8up', '18446744073709551615')
        ) as v (name, base, internal, comparison, same, maximum)
    loop
        execute format('create type mz_catalog.%I', t.name);
        execute format('create function mz_catalog.%I(cstring) returns mz_catalog.%I language internal immutable strict parallel safe as %L', t.name || '_in', t.name, t.internal || 'in');
        execute format('create function mz_catalog.%I(mz_catalog.%I) returns cstring language internal immutable strict parallel safe as %L', t.name || '_out', t.name, t.internal || 'out');
        execute format('create function mz_catalog.%I(internal) returns mz_catalog.%I language internal immutable strict parallel safe as %L', t.name || '_recv', t.name, t.internal || 'recv');
        execute format('create function mz_catalog.%I(mz_catalog.%I) returns bytea language internal immutable strict parallel safe as %L', t.name || '_send', t.name, t.internal || 'send');
        execute format(
            'create type mz_catalog.%1$I (input = mz_catalog.%1$s_in, output = mz_catalog.%1$s_out, receive = mz_catalog.%1$s_recv, send = mz_catalog.%1$s_send, like = %2$s, category = ''N'')',
            t.name, t.base
        );

        -- Comparisons.
        for op in
            select * from (values
                ('=', 'eq', '=', '<>', 'eqsel', 'eqjoinsel', ', hashes, merges'),
                ('<>', 'ne', '<>', '=', 'neqsel', 'neqjoinsel', ''),
                ('<', 'lt', '>', '>=', 'scalarltsel', 'scalarltjoinsel', ''),
                ('<=', 'le', '>=', '>', 'scalarlesel', 'scalarlejoinsel', ''),
                ('>', 'gt', '<', '<=', 'scalargtsel', 'scalargtjoinsel', ''),
                ('>=', 'ge', '<=', '<', 'scalargesel', 'scalargejoinsel', '')
            ) as v (symbol, name, commutator, negator, restriction, joined, flags)
        loop
            execute format('create function mz_catalog.%1$s_%2$s(mz_catalog.%1$s, mz_catalog.%1$s) returns boolean language internal immutable strict leakproof parallel safe as %3$L', t.name, op.name, t.internal || op.name);
            execute format(
                'create operator mz_catalog.%1$s (leftarg = mz_catalog.%2$s, rightarg = mz_catalog.%2$s, function = mz_catalog.%2$s_%3$s, commutator = operator(mz_catalog.%4$s), negator = operator(mz_catalog.%5$s), restrict = %6$s, join = %7$s%8$s)',
                op.symbol, t.name, op.name, op.commutator, op.negator, op.restriction, op.joined, op.flags
            );
        end loop;
        execute format('create function mz_catalog.%1$s_cmp(mz_catalog.%1$s, mz_catalog.%1$s) returns integer language internal immutable strict leakproof parallel safe as %2$L', t.name, t.comparison);
        execute format('create function mz_catalog.%1$s_hash(mz_catalog.%1$s) returns integer language internal immutable strict leakproof parallel safe as %2$L', t.name, 'hash' || t.internal);
        execute format('create function mz_catalog.%1$s_hash_extended(mz_catalog.%1$s, bigint) returns bigint language internal immutable strict leakproof parallel safe as %2$L', t.name, 'hash' || t.internal || 'extended');
        execute format(
            'create operator class mz_catalog.%1$s_ops default for type mz_catalog.%1$s using btree as operator 1 mz_catalog.<, operator 2 mz_catalog.<=, operator 3 mz_catalog.=, operator 4 mz_catalog.>=, operator 5 mz_catalog.>, function 1 mz_catalog.%1$s_cmp(mz_catalog.%1$s, mz_catalog.%1$s)',
            t.name
        );
        execute format(
            'create operator class mz_catalog.%1$s_hash_ops default for type mz_catalog.%1$s using hash as operator 1 mz_catalog.=, function 1 mz_catalog.%1$s_hash(mz_catalog.%1$s), function 2 mz_catalog.%1$s_hash_extended(mz_catalog.%1$s, bigint)',
            t.name
        );

        -- Casts. Out of range is an error in Materialize's words. A plain cast of the representation would skip the check, so each
        -- goes through its function; as_.. is the one that takes the number as it is. None is strict: PostgreSQL does not put the
        -- body of a strict function with CASE in the place of its call, and a call costs a hundred times as much.
        execute format('create function mz_internal.as_%1$s(%2$s) returns mz_catalog.%1$s language internal immutable strict leakproof parallel safe as %3$L', t.name, case t.name when 'uint8' then 'bigint' else t.base end, t.same);
        if t.name = 'uint8' then
            -- Its bits as a signed number: negative from 2^63 on.
            create function mz_internal.bits(mz_catalog.uint8) returns bigint language internal immutable strict leakproof parallel safe as 'int8up';
            -- Without CASE and with one use of the value, so that it is inlined whatever the value is.
            create function mz_internal.bits_of(value numeric) returns bigint language sql immutable strict parallel safe
            return numeric_sub(numeric_mod(numeric_add(value, 9223372036854775808), 18446744073709551616), 9223372036854775808)::bigint;
        else
            execute format('create cast (mz_catalog.%I as %s) without function as implicit', t.name, t.base);
        end if;
        foreach other in array array['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'] loop
            execute format(
                'create function mz_catalog.%1$s(%2$s) returns mz_catalog.%1$s language sql immutable parallel safe return '
                'mz_internal.as_%1$s(case when %3$s between 0 and %4$s then %5$s else mz_internal.raise_uint_range($1::text, %1$L)::%6$s end)',
                t.name, other,
                case when other in ('numeric', 'real', 'double precision') then 'round($1::numeric)' else '$1' end,
                t.maximum,
                case
                    when t.name = 'uint8' and other in ('numeric', 'real', 'double precision') then 'mz_internal.bits_of(round($1::numeric))'
                    else format('%s::%s', case when other in ('numeric', 'real', 'double precision') then 'round($1::numeric)' else '$1' end, case t.name when 'uint8' then 'bigint' else t.base end)
                end,
                case t.name when 'uint8' then 'bigint' else t.base end
            );
        end loop;
    end loop;

    create function mz_catalog.numeric(mz_catalog.uint8) returns numeric language sql immutable parallel safe
    return case when mz_internal.bits($1) < 0 then numeric_add(mz_internal.bits($1), 18446744073709551616) else mz_internal.bits($1) end;
    create cast (mz_catalog.uint8 as numeric) with function mz_catalog.numeric(mz_catalog.uint8) as implicit;
    create function mz_catalog.int8(mz_catalog.uint8) returns bigint language sql immutable parallel safe
    return case when mz_internal.bits($1) < 0 then mz_internal.raise_uint_range($1::text, 'bigint') else mz_internal.bits($1) end;
    create cast (mz_catalog.uint8 as bigint) with function mz_catalog.int8(mz_catalog.uint8) as assignment;
    for t in
        select * from (values ('int2', 'smallint', 32767), ('int4', 'integer', 2147483647)) as v (name, target, maximum)
    loop
        execute format(
            'create function mz_catalog.%1$s(mz_catalog.uint8) returns %2$s language sql immutable parallel safe '
            'return case when mz_internal.bits($1) between 0 and %3$s then mz_internal.bits($1) else mz_internal.raise_uint_range($1::text, %2$L) end::%2$s',
            t.name, t.target, t.maximum
        );
        execute format('create cast (mz_catalog.uint8 as %2$s) with function mz_catalog.%1$s(mz_catalog.uint8) as assignment', t.name, t.target);
    end loop;
    for t in
        select * from (values ('uint2'), ('uint4'), ('uint8')) as v (name)
    loop
        foreach other in array array['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'] loop
            execute format('create cast (%2$s as mz_catalog.%1$s) with function mz_catalog.%1$s(%2$s) as assignment', t.name, other);
        end loop;
        foreach other in array array['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'] loop
            if not exists (
                select from pg_cast
                where castsource = format('mz_catalog.%I', t.name)::regtype and casttarget = other::regtype
            ) then
                execute format(
                    'create function mz_catalog.%1$s(mz_catalog.%2$s) returns %3$s language sql immutable parallel safe return $1::%4$s::%3$s',
                    case other when 'double precision' then 'float8' when 'real' then 'float4' when 'smallint' then 'int2' when 'integer' then 'int4' when 'bigint' then 'int8' else other end,
                    t.name, other,
                    case when t.name = 'uint2' then 'integer' when t.name = 'uint8' and other in ('real', 'double precision') then 'numeric' else 'bigint' end
                );
                execute format(
                    'create cast (mz_catalog.%2$s as %3$s) with function mz_catalog.%1$s(mz_catalog.%2$s) as %4$s',
                    case other when 'double precision' then 'float8' when 'real' then 'float4' when 'smallint' then 'int2' when 'integer' then 'int4' when 'bigint' then 'int8' else other end,
                    t.name, other,
                    case
                        when other in ('numeric', 'real', 'double precision') then 'implicit'
                        when t.name in ('uint2', 'uint4') and other = 'bigint' then 'implicit'
                        else 'assignment'
                    end
                );
            end if;
        end loop;
        execute format('create function mz_internal.%1$s_to_json(mz_catalog.%1$s) returns json language sql immutable parallel safe return ($1::%2$s)::text::json', t.name, case t.name when 'uint2' then 'integer' when 'uint4' then 'bigint' else 'numeric' end);
        execute format('create cast (mz_catalog.%1$s as json) with function mz_internal.%1$s_to_json(mz_catalog.%1$s)', t.name);
    end loop;
    create function mz_catalog.uint4(mz_catalog.uint2) returns mz_catalog.uint4 language sql immutable parallel safe return ($1::integer)::mz_catalog.uint4;
    create function mz_catalog.uint8(mz_catalog.uint2) returns mz_catalog.uint8 language sql immutable parallel safe return ($1::integer)::mz_catalog.uint8;
    create function mz_catalog.uint8(mz_catalog.uint4) returns mz_catalog.uint8 language sql immutable parallel safe return ($1::bigint)::mz_catalog.uint8;
    create function mz_catalog.uint2(mz_catalog.uint4) returns mz_catalog.uint2 language sql immutable parallel safe return ($1::bigint)::mz_catalog.uint2;
    create function mz_catalog.uint2(mz_catalog.uint8) returns mz_catalog.uint2 language sql immutable parallel safe return ($1::numeric)::mz_catalog.uint2;
    create function mz_catalog.uint4(mz_catalog.uint8) returns mz_catalog.uint4 language sql immutable parallel safe return ($1::numeric)::mz_catalog.uint4;
    create cast (mz_catalog.uint2 as mz_catalog.uint4) with function mz_catalog.uint4(mz_catalog.uint2) as implicit;
    create cast (mz_catalog.uint2 as mz_catalog.uint8) with function mz_catalog.uint8(mz_catalog.uint2) as implicit;
    create cast (mz_catalog.uint4 as mz_catalog.uint8) with function mz_catalog.uint8(mz_catalog.uint4) as implicit;
    create cast (mz_catalog.uint4 as mz_catalog.uint2) with function mz_catalog.uint2(mz_catalog.uint4) as assignment;
    create cast (mz_catalog.uint8 as mz_catalog.uint2) with function mz_catalog.uint2(mz_catalog.uint8) as assignment;
    create cast (mz_catalog.uint8 as mz_catalog.uint4) with function mz_catalog.uint4(mz_catalog.uint8) as assignment;

    for t in
        select * from (values ('uint2', 65535), ('uint4', 4294967295), ('uint8', 18446744073709551615)) as v (name, maximum)
    loop
        execute format(
            'create function mz_internal.%1$s_of_text(text) returns mz_catalog.%1$s language sql immutable strict parallel safe '
            'return mz_internal.uint_of_text($1, %1$L, %2$s)::mz_catalog.%1$s',
            t.name, t.maximum
        );
        execute format('create cast (text as mz_catalog.%1$s) with function mz_internal.%1$s_of_text(text)', t.name);
    end loop;

    -- Integers of different types compare as such, without a detour over numeric: a uint8 from 2^63 on is the larger one. Each pair
    -- has operators of its own; between the casts to several common types PostgreSQL could not choose. Of booleans `a > b` is "a and
    -- not b", `a >= not b` is "a or b"; null when one side is, and inlined in a strict function as CASE is not.
    for t in
        select
            x.a, y.b,
            replace(replace(x.a, 'mz_catalog.uint2', 'integer'), 'mz_catalog.uint4', 'bigint') as base_a,
            replace(replace(y.b, 'mz_catalog.uint2', 'integer'), 'mz_catalog.uint4', 'bigint') as base_b
        from unnest(array['mz_catalog.uint2', 'mz_catalog.uint4', 'mz_catalog.uint8', 'smallint', 'integer', 'bigint']) as x (a)
        cross join unnest(array['mz_catalog.uint2', 'mz_catalog.uint4', 'mz_catalog.uint8', 'smallint', 'integer', 'bigint']) as y (b)
        where x.a <> y.b and (x.a like 'mz%' or y.b like 'mz%')
    loop
        for op in
            select * from (values
                ('=', 'eq', '=', '<>', 'eqsel', 'eqjoinsel', '> (%s < 0)', '> (%s < 0)'),
                ('<>', 'ne', '<>', '=', 'neqsel', 'neqjoinsel', '>= (%s >= 0)', '>= (%s >= 0)'),
                ('<', 'lt', '>', '>=', 'scalarltsel', 'scalarltjoinsel', '> (%s < 0)', '>= (%s >= 0)'),
                ('<=', 'le', '>=', '>', 'scalarlesel', 'scalarlejoinsel', '> (%s < 0)', '>= (%s >= 0)'),
                ('>', 'gt', '<', '<=', 'scalargtsel', 'scalargtjoinsel', '>= (%s >= 0)', '> (%s < 0)'),
                ('>=', 'ge', '<=', '<', 'scalargesel', 'scalargejoinsel', '>= (%s >= 0)', '> (%s < 0)')
            ) as v (symbol, name, commutator, negator, restriction, joined, large_left, large_right)
        loop
            execute format(
                'create function mz_internal.uint8_%1$s(%2$s, %3$s) returns boolean language sql immutable strict leakproof parallel safe return %4$s',
                op.name, t.a, t.b,
                case
                    when t.a = 'mz_catalog.uint8'
                        then format('(%s %s $2::%s) ' || op.large_left, 'mz_internal.bits($1)', op.symbol, t.base_b, 'mz_internal.bits($1)')
                    when t.b = 'mz_catalog.uint8'
                        then format('($1::%s %s %s) ' || op.large_right, t.base_a, op.symbol, 'mz_internal.bits($2)', 'mz_internal.bits($2)')
                    else format('$1::%s %s $2::%s', t.base_a, op.symbol, t.base_b)
                end
            );
            execute format(
                'create operator mz_catalog.%1$s (leftarg = %2$s, rightarg = %3$s, function = mz_internal.uint8_%4$s, commutator = operator(mz_catalog.%5$s), negator = operator(mz_catalog.%6$s), restrict = %7$s, join = %8$s)',
                op.symbol, t.a, t.b, op.name, op.commutator, op.negator, op.restriction, op.joined
            );
        end loop;
    end loop;

    -- Arithmetic. As with the casts, none that is made of CASE is strict.
    for op in
        select * from (values ('+', 'plus'), ('-', 'minus'), ('*', 'times'), ('/', 'divided'), ('%', 'modulo')) as v (symbol, name)
    loop
        for t in
            select * from (values
                ('uint2', 'bigint', 65535, '(%s)::integer'),
                ('uint4', 'numeric', 4294967295, '(%s)::bigint'),
                ('uint8', 'numeric', 18446744073709551615, 'mz_internal.bits_of(%s)')
            ) as v (name, wide, maximum, stored)
        loop
            execute format(
                'create function mz_internal.%1$s_%2$s(mz_catalog.%1$s, mz_catalog.%1$s) returns mz_catalog.%1$s language sql immutable parallel safe return mz_internal.as_%1$s(%3$s)',
                t.name, op.name,
                format(t.stored, case
                    when t.name = 'uint8' and op.symbol = '/' then 'numeric_div_trunc($1::numeric, $2::numeric)'
                    when t.name = 'uint8' and op.symbol = '%' then 'numeric_mod($1::numeric, $2::numeric)'
                    when op.symbol in ('/', '%') then format('$1::bigint %s $2::bigint', op.symbol)
                    else format(
                        'case when $1::%1$s %2$s $2::%1$s between 0 and %3$s then $1::%1$s %2$s $2::%1$s else '
                        'mz_internal.raise_uint_range($1::text || %4$L || $2::text, %5$L) end',
                        t.wide, op.symbol, t.maximum, format(' %s ', op.symbol), t.name
                    )
                end)
            );
            execute format(
                'create operator mz_catalog.%1$s (leftarg = mz_catalog.%2$s, rightarg = mz_catalog.%2$s, function = mz_internal.%2$s_%3$s)',
                op.symbol, t.name, op.name
            );
        end loop;
        for t in
            select * from (values ('uint2', 'bigint'), ('uint4', 'bigint'), ('uint8', 'numeric')) as v (name, wide)
        loop
            foreach other in array array['smallint', 'integer', 'bigint'] loop
                foreach arguments slice 1 in array array[array['mz_catalog.' || t.name, other], array[other, 'mz_catalog.' || t.name]] loop
                    execute format(
                        'create function mz_internal.%1$s_%2$s(%3$s, %4$s) returns %5$s language sql immutable parallel safe return $1::%5$s %6$s $2::%5$s',
                        t.name, op.name || case when t.name = 'uint2' and other <> 'bigint' then '_int' else '' end, arguments[1], arguments[2],
                        case when t.name = 'uint2' and other <> 'bigint' then 'integer' else t.wide end, op.symbol
                    );
                    execute format(
                        'create operator mz_catalog.%1$s (leftarg = %2$s, rightarg = %3$s, function = mz_internal.%4$s_%5$s)',
                        op.symbol, arguments[1], arguments[2], t.name, op.name || case when t.name = 'uint2' and other <> 'bigint' then '_int' else '' end
                    );
                end loop;
            end loop;
        end loop;
    end loop;

    -- Unsigned integers of different types are what the larger type makes of them.
    for t in
        select * from (values ('uint2', 'uint4', 'uint4'), ('uint4', 'uint2', 'uint4'), ('uint2', 'uint8', 'uint8'), ('uint8', 'uint2', 'uint8'),
            ('uint4', 'uint8', 'uint8'), ('uint8', 'uint4', 'uint8')) as v (a, b, wide)
    loop
        for op in
            select * from (values ('+', 'plus'), ('-', 'minus'), ('*', 'times'), ('/', 'divided'), ('%', 'modulo')) as v (symbol, name)
        loop
            execute format(
                'create function mz_internal.%1$s_%2$s(mz_catalog.%3$s, mz_catalog.%4$s) returns mz_catalog.%1$s language sql immutable parallel safe '
                'return mz_internal.%1$s_%2$s($1::mz_catalog.%1$s, $2::mz_catalog.%1$s)',
                t.wide, op.name, t.a, t.b
            );
            execute format(
                'create operator mz_catalog.%1$s (leftarg = mz_catalog.%2$s, rightarg = mz_catalog.%3$s, function = mz_internal.%4$s_%5$s)',
                op.symbol, t.a, t.b, t.wide, op.name
            );
        end loop;
    end loop;

    -- Aggregates; sums are exact, in the types that Materialize gives them.
    for t in
        select * from (values ('uint2', 'int4'), ('uint4', 'int8'), ('uint8', 'xid8_')) as v (name, internal)
    loop
        execute format('create function mz_internal.%1$s_larger(mz_catalog.%1$s, mz_catalog.%1$s) returns mz_catalog.%1$s language internal immutable strict parallel safe as %2$L', t.name, t.internal || 'larger');
        execute format('create function mz_internal.%1$s_smaller(mz_catalog.%1$s, mz_catalog.%1$s) returns mz_catalog.%1$s language internal immutable strict parallel safe as %2$L', t.name, t.internal || 'smaller');
        execute format('create aggregate mz_catalog.max(mz_catalog.%1$s) (sfunc = mz_internal.%1$s_larger, stype = mz_catalog.%1$s, combinefunc = mz_internal.%1$s_larger, sortop = operator(mz_catalog.>), parallel = safe)', t.name);
        execute format('create aggregate mz_catalog.min(mz_catalog.%1$s) (sfunc = mz_internal.%1$s_smaller, stype = mz_catalog.%1$s, combinefunc = mz_internal.%1$s_smaller, sortop = operator(mz_catalog.<), parallel = safe)', t.name);
        execute format('create function mz_internal.sum_step(numeric, mz_catalog.%1$s) returns numeric language sql immutable parallel safe return case when $2 is null then $1 else numeric_add(coalesce($1, 0), $2::numeric) end', t.name);
        execute format('create function mz_internal.avg_step(numeric[], mz_catalog.%1$s) returns numeric[] language sql immutable parallel safe return case when $2 is null then $1 else array[numeric_add($1[1], 1), numeric_add($1[2], $2::numeric)] end', t.name);
        execute format('create function mz_internal.%1$s_sum_end(numeric) returns %2$s language sql immutable parallel safe return $1::%2$s', t.name, case t.name when 'uint8' then 'numeric' else 'mz_catalog.uint8' end);
        execute format('create aggregate mz_catalog.sum(mz_catalog.%1$s) (sfunc = mz_internal.sum_step, stype = numeric, finalfunc = mz_internal.%1$s_sum_end, parallel = safe)', t.name);
    end loop;
    create function mz_internal.avg_end(numeric[]) returns numeric language sql immutable parallel safe return case when $1[1] > 0 then $1[2] / $1[1] end;
    for t in
        select * from (values ('uint2'), ('uint4'), ('uint8')) as v (name)
    loop
        execute format('create aggregate mz_catalog.avg(mz_catalog.%1$s) (sfunc = mz_internal.avg_step, stype = numeric[], finalfunc = mz_internal.avg_end, initcond = ''{0,0}'', parallel = safe)', t.name);
    end loop;
end
$do$;


-- In a directory of an older version a uint8 had the bits of a bigint, and became one as it was.
set local allow_system_table_mods = on;
update pg_catalog.pg_cast set castfunc = 'mz_catalog.int8(mz_catalog.uint8)'::regprocedure, castmethod = 'f'
where castsource = 'mz_catalog.uint8'::regtype and casttarget = 'bigint'::regtype;

-- Their texts are read as a cast reads them, wherever they stand: PostgreSQL refuses to make a function in SQL that takes a
-- cstring, but calls one that is there; it takes all that an input function is given, for behind its own arguments lengths are read anywhere.
insert into pg_proc
select r.*
from pg_type as t
inner join pg_proc as p on p.proname = t.typname || '_of_text' and p.pronamespace = 'mz_internal'::regnamespace and p.prorettype = t.oid
cross join lateral jsonb_populate_record(p, jsonb_build_object(
    'oid', pg_nextoid('pg_proc', 'oid', 'pg_proc_oid_index'), 'proname', 'read_' || t.typname, 'pronargs', 3,
    'proargtypes', concat_ws(' ', 'cstring'::regtype::oid, 'oid'::regtype::oid, 'integer'::regtype::oid),
    'prosrc', format('select mz_internal.%I(textin($1))', p.proname), 'prosqlbody', null
)) as r
where t.typname in ('uint2', 'uint4', 'uint8') and t.typnamespace = 'mz_catalog'::regnamespace
    and not exists (select from pg_proc as o where o.proname = 'read_' || t.typname and o.pronamespace = p.pronamespace and o.pronargs = 3);
update pg_type as t set typinput = p.oid
from pg_proc as p
where t.typname in ('uint2', 'uint4', 'uint8') and p.proname = 'read_' || t.typname and p.pronamespace = 'mz_internal'::regnamespace
    and p.prorettype = t.oid and p.pronargs = 3 and t.typinput <> p.oid;
