-- Intervals compare field by field in Materialize: months, then days, then microseconds; 26 hours are less than a day, and 24 hours are
-- not one. PostgreSQL's operators, sorts, hashes and extremes of intervals are given functions that do so; its own have oids that it
-- calls without looking them up.

create function mz_internal.interval_fields(interval) returns bytea language sql immutable strict parallel safe
return byteacat(byteacat(substring(interval_send($1) from 13 for 4), substring(interval_send($1) from 9 for 4)), substring(interval_send($1) from 1 for 8));
-- The fields as bytes in their order: those of the negative ones come first.
create function mz_internal.interval_key(interval) returns bytea language sql immutable strict parallel safe
return overlay(overlay(overlay(
    mz_internal.interval_fields($1)
    placing set_byte('\x00'::bytea, 0, get_byte(mz_internal.interval_fields($1), 0) # 128) from 1 for 1)
    placing set_byte('\x00'::bytea, 0, get_byte(mz_internal.interval_fields($1), 4) # 128) from 5 for 1)
    placing set_byte('\x00'::bytea, 0, get_byte(mz_internal.interval_fields($1), 8) # 128) from 9 for 1);

create function mz_internal.interval_cmp(interval, interval) returns integer language sql immutable strict parallel safe
return byteacmp(mz_internal.interval_key($1), mz_internal.interval_key($2));
create function mz_internal.interval_eq(interval, interval) returns boolean language sql immutable strict parallel safe
return byteaeq(interval_send($1), interval_send($2));
create function mz_internal.interval_ne(interval, interval) returns boolean language sql immutable strict parallel safe
return byteane(interval_send($1), interval_send($2));
create function mz_internal.interval_lt(interval, interval) returns boolean language sql immutable strict parallel safe
return bytealt(mz_internal.interval_key($1), mz_internal.interval_key($2));
create function mz_internal.interval_le(interval, interval) returns boolean language sql immutable strict parallel safe
return byteale(mz_internal.interval_key($1), mz_internal.interval_key($2));
create function mz_internal.interval_gt(interval, interval) returns boolean language sql immutable strict parallel safe
return byteagt(mz_internal.interval_key($1), mz_internal.interval_key($2));
create function mz_internal.interval_ge(interval, interval) returns boolean language sql immutable strict parallel safe
return byteage(mz_internal.interval_key($1), mz_internal.interval_key($2));
create function mz_internal.interval_hash(interval) returns integer language sql immutable strict parallel safe
return hashtext(encode(interval_send($1), 'hex'));
-- Without the seed: hash_record_extended() leaves open whether it is null.
create function mz_internal.interval_hash_extended(interval, bigint) returns bigint language sql immutable parallel safe
return hashtextextended(encode(interval_send($1), 'hex'), 0);
create function mz_internal.interval_larger(interval, interval) returns interval language sql immutable strict parallel safe
return case when mz_internal.interval_gt($1, $2) then $1 else $2 end;
create function mz_internal.interval_smaller(interval, interval) returns interval language sql immutable strict parallel safe
return case when mz_internal.interval_lt($1, $2) then $1 else $2 end;

do $do$
declare
    i regclass;
begin
    set local allow_system_table_mods = on;
    if not exists (select from pg_catalog.pg_operator where oprcode = 'mz_internal.interval_lt(interval, interval)'::regprocedure) then
        update pg_catalog.pg_operator as o set oprcode = f.new::regprocedure
        from (values
            ('=', 'mz_internal.interval_eq(interval, interval)'), ('<>', 'mz_internal.interval_ne(interval, interval)'),
            ('<', 'mz_internal.interval_lt(interval, interval)'), ('<=', 'mz_internal.interval_le(interval, interval)'),
            ('>', 'mz_internal.interval_gt(interval, interval)'), ('>=', 'mz_internal.interval_ge(interval, interval)')
        ) as f (name, new)
        where o.oprname = f.name and o.oprleft = 'interval'::regtype and o.oprright = 'interval'::regtype;
        update pg_catalog.pg_amproc as p set amproc = f.new::regprocedure
        from (values
            ('interval_cmp(interval,interval)', 'mz_internal.interval_cmp(interval, interval)'),
            ('interval_hash(interval)', 'mz_internal.interval_hash(interval)'),
            ('interval_hash_extended(interval,bigint)', 'mz_internal.interval_hash_extended(interval, bigint)')
        ) as f (old, new)
        where p.amproc = ('pg_catalog.' || f.old)::regprocedure;
        update pg_catalog.pg_aggregate as a set aggtransfn = f.new::regprocedure, aggcombinefn = f.new::regprocedure
        from (values
            ('max(interval)', 'mz_internal.interval_larger(interval, interval)'),
            ('min(interval)', 'mz_internal.interval_smaller(interval, interval)')
        ) as f (name, new)
        where a.aggfnoid = ('pg_catalog.' || f.name)::regprocedure;
        -- What an older version indexed is in another order; rows that it found by stored hashes cannot be found again.
        if exists (
            select from pg_catalog.pg_attribute as a
            inner join pg_catalog.pg_class as c on c.oid = a.attrelid and c.relkind = 'r'
            inner join pg_catalog.pg_attribute as k on k.attrelid = c.oid and k.attname = 'mz_key'
            where c.relnamespace = to_regnamespace('mzlite_data') and a.atttypid in ('interval'::regtype, 'interval[]'::regtype)
        ) then
            raise exception 'a view of distinct rows with intervals was made by an earlier version, which compared them differently: drop it there';
        end if;
        for i in
            select x.indexrelid
            from pg_catalog.pg_index as x
            inner join pg_catalog.pg_class as c on c.oid = x.indrelid
            where c.relnamespace = to_regnamespace('mzlite_data')
                and exists (
                    select from pg_catalog.pg_attribute as a
                    where a.attrelid = x.indrelid and a.atttypid in ('interval'::regtype, 'interval[]'::regtype)
                )
        loop
            execute format('reindex index %s', i);
        end loop;
    end if;
end
$do$;
