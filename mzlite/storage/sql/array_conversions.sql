-- Arrays become other arrays where a cast is written. PostgreSQL takes the casts of their elements unless there is one of the arrays.

set local allow_system_table_mods = on;

do $do$
declare
    pair record;
begin
    -- The body is read before there is the cast, and converts the elements.
    for pair in
        select
            s.typname::text as source, t.typname::text as target,
            format_type(s.typarray, null) as source_array, format_type(t.typarray, null) as target_array
        from pg_type as s
        cross join pg_type as t
        where s.oid <> t.oid and s.typarray <> 0 and t.typarray <> 0
            and array[s.oid, t.oid]::regtype[] <@ array[
                'boolean', 'smallint', 'integer', 'bigint', 'mz_catalog.uint2', 'mz_catalog.uint4', 'mz_catalog.uint8', 'real', 'double precision',
                'numeric', 'text', 'varchar', 'bytea', 'date', 'time', 'timestamp', 'timestamptz', 'interval', 'jsonb', 'uuid', 'mz_catalog.mz_timestamp'
            ]::regtype[]
            and (t.typname in ('text', 'varchar') or exists (
                select from pg_cast as k where (k.castsource, k.casttarget) = (s.oid, t.oid) and k.castcontext in ('i', 'a')
            ))
            and not exists (select from pg_cast as k where (k.castsource, k.casttarget) = (s.typarray, t.typarray))
        order by 1, 2
    loop
        execute format(
            'create function mz_internal.%I(%s) returns %s language sql immutable strict parallel safe return $1::%3$s',
            pair.source || 's_as_' || pair.target || 's', pair.source_array, pair.target_array
        );
        execute format(
            'create cast (%s as %s) with function mz_internal.%I(%1$s)',
            pair.source_array, pair.target_array, pair.source || 's_as_' || pair.target || 's'
        );
    end loop;
end
$do$;
