-- Forms of functions, operators and casts that only PostgreSQL has. Moved to a schema that no client searches, they are what they
-- were for whoever holds their oid, and do not exist for a query: PostgreSQL itself then says so, in views and outside.
-- Names that Materialize lacks altogether are refused by the dialect.

create schema mzlite_postgres;
grant usage on schema mzlite_postgres to materialize;
set local allow_system_table_mods = on;

update pg_catalog.pg_proc set pronamespace = 'mzlite_postgres'::regnamespace
where oid = any (array[
    'age(timestamp)', 'age(timestamptz)', 'age(xid)', 'array_agg(anyarray)', 'bit_count(bit)', 'bit_length(bit)', 'btrim(bytea, bytea)', 'ltrim(bytea, bytea)',
    'rtrim(bytea, bytea)', 'date_trunc(text, timestamptz, text)', 'date_part(text, timetz)', 'extract(text, timetz)',
    'generate_series(numeric, numeric)', 'generate_series(numeric, numeric, numeric)',
    'generate_series(timestamptz, timestamptz, interval, text)', 'generate_subscripts(anyarray, integer, boolean)', 'get_bit(bit, integer)', 'pg_catalog.get_bit(bytea, bigint)',
    'isempty(anymultirange)', 'length(bit)', 'length(lseg)', 'length(path)', 'length(tsvector)', 'like_escape(bytea, bytea)',
    'lower(anymultirange)', 'lower_inc(anymultirange)', 'lower_inf(anymultirange)', 'upper(anymultirange)', 'upper_inc(anymultirange)',
    'upper_inf(anymultirange)', 'max(anyarray)', 'max(anyenum)', 'max(bytea)', 'max(inet)', 'max(money)', 'max(oid)', 'max(pg_lsn)',
    'max(record)', 'max(tid)', 'max(timetz)', 'max(xid8)', 'min(anyarray)', 'min(anyenum)', 'min(bytea)', 'min(inet)', 'min(money)',
    'min(oid)', 'min(pg_lsn)', 'min(record)', 'min(tid)', 'min(timetz)', 'min(xid8)', 'obj_description(oid)', 'octet_length(bit)', 'pg_size_pretty(bigint)',
    'position(bit, bit)', 'position(bytea, bytea)', 'pow(numeric, numeric)', 'regexp_replace(text, text, text, integer)',
    'regexp_replace(text, text, text, integer, integer)', 'regexp_replace(text, text, text, integer, integer, text)', 'reverse(bytea)',
    'substr(bytea, integer)', 'substr(bytea, integer, integer)', 'substring(bit, integer)', 'substring(bit, integer, integer)',
    'substring(bytea, integer)', 'substring(bytea, integer, integer)', 'substring(text, text)', 'substring(text, text, text)', 'sum(money)',
    'timezone(interval, timetz)', 'timezone(text, timetz)', 'timezone(timestamp)', 'timezone(timestamptz)', 'timezone(timetz)',
    'to_char(real, text)', 'to_char(double precision, text)', 'to_char(integer, text)', 'to_char(bigint, text)', 'to_char(interval, text)',
    'to_char(numeric, text)', 'to_timestamp(text, text)', 'trunc(macaddr)', 'trunc(macaddr8)', 'trunc(numeric, integer)',
    'unnest(anymultirange)', 'unnest(tsvector)'
]::regprocedure[]);

-- An older version counted what is in JSON as in a map.
update pg_catalog.pg_proc set pronamespace = 'mzlite_postgres'::regnamespace
where pronamespace = 'mz_catalog'::regnamespace and proname = 'map_length' and proargtypes[0] = 'jsonb'::regtype;

-- Operators whose name Materialize has for other types only.
update pg_catalog.pg_operator set oprnamespace = 'mzlite_postgres'::regnamespace
where oid = any (array[
    '+(date, integer)', '+(integer, date)', '-(date, integer)', '-(jsonb, text[])', '?|(jsonb, text[])', '?&(jsonb, text[])',
    '&&(anyarray, anyarray)', '||(anycompatiblearray, anycompatible)', '||(anycompatible, anycompatiblearray)', '~~(bytea, bytea)',
    '!~~(bytea, bytea)', '+(aclitem[], aclitem)', '-(aclitem[], aclitem)', '@>(aclitem[], aclitem)', '||(bytea, bytea)'
]::regoperator[])
-- A real beside another number makes both real, and only beside a double precision that.
or (oprleft, oprright) in (('real'::regtype, 'double precision'::regtype), ('double precision'::regtype, 'real'::regtype));

-- What a range may contain is cast to its elements: an integer beside a numrange.
update pg_catalog.pg_operator set oprleft = 'anycompatiblerange'::regtype, oprright = 'anycompatible'::regtype
where oprcode = 'range_contains_elem'::regproc and oprname = '@>';
update pg_catalog.pg_operator set oprleft = 'anycompatible'::regtype, oprright = 'anycompatiblerange'::regtype
where oprcode = 'elem_contained_by_range'::regproc and oprname = '<@';

-- Casts: bytes are no numbers; an interval is taken from a time only.
delete from pg_catalog.pg_cast
where (castsource, casttarget) in (
    ('bytea'::regtype, 'smallint'::regtype), ('bytea'::regtype, 'integer'::regtype), ('bytea'::regtype, 'bigint'::regtype),
    ('smallint'::regtype, 'bytea'::regtype), ('integer'::regtype, 'bytea'::regtype), ('bigint'::regtype, 'bytea'::regtype)
);
-- Nor are the names of objects, and a moment becomes no number.
delete from pg_catalog.pg_cast
where (castsource in ('regclass'::regtype, 'regproc'::regtype, 'regtype'::regtype) and casttarget in ('integer'::regtype, 'bigint'::regtype))
    or (castsource, casttarget) in (
        ('mz_catalog.mz_timestamp'::regtype, 'bigint'::regtype), ('smallint'::regtype, 'mz_catalog.mz_timestamp'::regtype)
    );

-- A relation's oid becomes its name by assignment.
update pg_catalog.pg_cast set castcontext = 'a' where castsource = 'oid'::regtype and casttarget = 'regclass'::regtype;

-- No list becomes one of timestamps by itself: a date beside a list of integers would make it one.
update pg_catalog.pg_cast set castcontext = 'e' where casttarget = 'mz_catalog.list_mz_timestamp'::regtype and castcontext = 'i';

-- A map becomes a text only, and JSON no map; an older version had casts for its own use.
delete from pg_catalog.pg_cast as c using pg_catalog.pg_type as m
where m.typnamespace = 'mz_catalog'::regnamespace and m.typname ~ '^map_'
    and (c.castsource, c.casttarget) in ((m.oid, 'jsonb'::regtype), ('jsonb'::regtype, m.oid));
-- There are no arrays of char.
update pg_catalog.pg_type set typarray = 0 where oid = 'bpchar'::regtype;

-- Nor lists of char, and the keys of maps are texts.
create function mz_internal.plain_array(anyarray) returns anyarray language sql immutable parallel safe as 'select $1';
create function mz_internal.array_of(anynonarray) returns anyarray language sql immutable parallel safe as 'select array[$1]';
create function mz_internal.map_key(text) returns text language sql immutable parallel safe as 'select $1';
create function mz_internal.subquery_key(text) returns text language sql immutable parallel safe as 'select $1';
do $$
begin
    perform mzlite.begin_functions();
    insert into own_functions
    select f.schema, f.name, array[f.argument::regtype::oid], 'void'::regtype::oid, 'sql', '', false, 'v', 0
    from (values
        ('mz_catalog', 'list_agg', 'bpchar'), ('mz_internal', 'array_of', 'anyarray'),
        ('mz_internal', 'map_key', 'varchar'), ('mz_internal', 'map_key', 'bpchar'), ('mz_internal', 'map_key', 'anyelement'),
        ('mz_internal', 'subquery_key', 'varchar'), ('mz_internal', 'subquery_key', 'bpchar'), ('mz_internal', 'subquery_key', 'anyelement')
    ) as f (schema, name, argument);
    perform mzlite.add_functions();
end
$$;

-- The other way round: the form that Materialize's pg_attrdef calls for, whose expressions are text. psql asks with the schema.
create function pg_catalog.pg_get_expr(text, oid) returns text language sql immutable strict parallel safe return $1;
create function pg_catalog.pg_get_expr(text, oid, boolean) returns text language sql immutable strict parallel safe return $1;
