-- mz_types, mz_functions and their relatives: the types and functions of Materialize, as far as the inner PostgreSQL has them.

create view mzlite.shown_types as
select
    t.oid as pg_oid,
    mz_internal.type_oid(t.oid) as oid,
    t.typname::text as name,
    case when n.nspname = 'mz_catalog' then 's1' else 's2' end as schema_id,
    case
        when t.typcategory = 'A' then 'array'
        when t.typname in ('bool') then 'boolean'
        when t.typname in ('date', 'time', 'timestamp', 'timestamptz', 'mz_timestamp') then 'date-time'
        when t.typname in ('interval') then 'timespan'
        when t.typcategory = 'N' and t.typname not like 'reg%' then 'numeric'
        when t.typcategory = 'S' then 'string'
        when t.typcategory = 'P' then 'pseudo'
        else 'user-defined'
    end as category,
    t.typelem as pg_element_oid
from pg_catalog.pg_type as t
inner join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
where ltrim(t.typname, '_') = any (
    array[
        'aclitem', 'any', 'anyarray', 'anycompatible', 'anycompatiblearray', 'anycompatiblenonarray', 'anycompatiblerange',
        'anyelement', 'anynonarray', 'anyrange', 'bool', 'bpchar', 'bytea', 'char', 'date', 'daterange', 'float4', 'float8', 'int2',
        'int2vector', 'int4', 'int4range', 'int8', 'int8range', 'internal', 'interval', 'jsonb', 'mz_aclitem', 'mz_timestamp', 'name',
        'numeric', 'numrange', 'oid', 'record', 'regclass', 'regproc', 'regtype', 'text', 'time', 'timestamp', 'timestamptz',
        'tsrange', 'tstzrange', 'uint2', 'uint4', 'uint8', 'uuid', 'varchar'
    ]
)
and n.nspname in ('pg_catalog', 'mz_catalog');

create view mz_catalog.mz_types as
select
    's' || oid::text as id,
    oid,
    schema_id,
    name,
    category,
    's1' as owner_id,
    null::mz_catalog.mz_aclitem[] as privileges,
    null::text as create_sql,
    null::text as redacted_create_sql
from mzlite.shown_types
where name <> 'name'
union all
select v.id, v.oid, 's1', v.name, v.category, 's1', null, null, null
from (values
    ('s16384', 16384::oid, 'list', 'list'),
    ('s16385', 16385::oid, 'map', 'user-defined'),
    ('s16454', 16454::oid, 'anycompatiblelist', 'pseudo'),
    ('s16455', 16455::oid, 'anycompatiblemap', 'pseudo')
) as v (id, oid, name, category)
union all
select
    id,
    oid,
    schema_id,
    name,
    case details ->> 'kind' when 'list' then 'list' else 'user-defined' end,
    owner_id,
    mz_internal.privileges(type, id, owner_id),
    mz_internal.render(create_sql),
    mz_internal.render(create_sql)
from mzlite.placed_objects
where type = 'type';

create view mz_catalog.mz_base_types as
select id from mz_catalog.mz_types where category not in ('array', 'list', 'pseudo') and name not in ('map');

create view mz_catalog.mz_pseudo_types as
select id from mz_catalog.mz_types where category = 'pseudo';

create view mz_catalog.mz_array_types as
select 's' || a.oid::text as id, 's' || mz_internal.type_oid(a.pg_element_oid)::text as element_id
from mzlite.shown_types as a
where a.category = 'array';

create view mz_catalog.mz_list_types as
select id, details ->> 'element_id' as element_id, null::bigint[] as element_modifiers
from mzlite.objects
where type = 'type' and details ->> 'kind' = 'list';

create view mz_catalog.mz_map_types as
select
    id,
    details ->> 'key_id' as key_id,
    details ->> 'value_id' as value_id,
    null::bigint[] as key_modifiers,
    null::bigint[] as value_modifiers
from mzlite.objects
where type = 'type' and details ->> 'kind' = 'map';

create view mz_internal.mz_type_pg_metadata as
select 's' || oid::text as id, (select typinput::oid from pg_catalog.pg_type where oid = t.pg_oid) as typinput,
    (select typreceive::oid from pg_catalog.pg_type where oid = t.pg_oid) as typreceive
from mzlite.shown_types as t;

create view mz_catalog.mz_functions as
select
    's' || p.oid::text as id,
    p.oid,
    s.id as schema_id,
    p.proname::text as name,
    array(
        select 's' || mz_internal.type_oid(u.type)::text
        from unnest(p.proargtypes) with ordinality as u (type, position)
        order by u.position
    ) as argument_type_ids,
    case when p.provariadic <> 0 then 's' || mz_internal.type_oid(p.provariadic)::text end as variadic_argument_type_id,
    's' || mz_internal.type_oid(p.prorettype)::text as return_type_id,
    p.proretset as returns_set,
    's1' as owner_id
from pg_catalog.pg_proc as p
inner join mzlite.schemas as s on s.namespace = p.pronamespace
where s.id in ('s1', 's2', 's3', 's5');

create view mz_internal.mz_aggregates as
select p.oid, 'n'::text as agg_kind, 0::smallint as agg_num_direct_args
from pg_catalog.pg_proc as p
inner join mzlite.schemas as s on s.namespace = p.pronamespace
where p.prokind = 'a' and s.id in ('s1', 's2');

create view mz_catalog.mz_operators as
select
    o.oid,
    o.oprname::text as name,
    array(
        select 's' || mz_internal.type_oid(u.type)::text
        from unnest(array[o.oprleft, o.oprright]) with ordinality as u (type, position)
        where u.type <> 0
        order by u.position
    ) as argument_type_ids,
    's' || mz_internal.type_oid(o.oprresult)::text as return_type_id
from pg_catalog.pg_operator as o;
