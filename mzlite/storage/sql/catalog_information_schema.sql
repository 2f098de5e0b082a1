-- The relations of information_schema that clients read, with Materialize's columns and its kinds of relations.

-- Others of PostgreSQL's own are built on these, so they are put out of the way.
create schema mzlite_old;
alter view information_schema.tables set schema mzlite_old;
alter view information_schema.columns set schema mzlite_old;
alter view information_schema.views set schema mzlite_old;
alter view information_schema.schemata set schema mzlite_old;

create view information_schema.schemata as
select coalesce(database_name, mz_catalog.current_database()::text) as catalog_name, name as schema_name
from mzlite.named_schemas
where database_id is null or database_name = mz_catalog.current_database();

create view mzlite.shown_relations as
select
    o.relation,
    s.database_name,
    s.database_id,
    s.name as schema_name,
    o.name,
    o.type,
    o.details,
    o.definition
from mzlite.objects as o
inner join mzlite.named_schemas as s on s.namespace = o.namespace
where o.relation is not null
union all
select r.oid, null, null, s.name, r.name, r.type, '{}'::jsonb, null
from mzlite.system_relations as r
inner join mzlite.named_schemas as s on s.id = r.schema_id;

create view information_schema.tables as
select
    coalesce(r.database_name, mz_catalog.current_database()::text) as table_catalog,
    r.schema_name as table_schema,
    r.name as table_name,
    case r.type when 'materialized-view' then 'MATERIALIZED VIEW' when 'table' then 'BASE TABLE' else upper(r.type) end as table_type
from mzlite.shown_relations as r
where r.database_id is null or r.database_name = mz_catalog.current_database();

create view information_schema.columns as
select
    coalesce(r.database_name, mz_catalog.current_database()::text) as table_catalog,
    r.schema_name as table_schema,
    r.name as table_name,
    a.attname::text as column_name,
    a.attnum::bigint as ordinal_position,
    r.details -> 'defaults' ->> a.attname::text as column_default,
    case when r.details -> 'not_null' ? a.attname::text then 'NO' else 'YES' end as is_nullable,
    mz_internal.type_name(a.atttypid) as data_type,
    case when a.atttypid in ('varchar'::regtype, 'bpchar'::regtype) and a.atttypmod > 4 then a.atttypmod - 4 end as character_maximum_length,
    case a.atttypid
        when 'smallint'::regtype then 16 when 'integer'::regtype then 32 when 'bigint'::regtype then 64
        when 'real'::regtype then 24 when 'double precision'::regtype then 53
        when 'numeric'::regtype then case when a.atttypmod > 4 then ((a.atttypmod - 4) >> 16) & 65535 else 39 end
    end as numeric_precision,
    case a.atttypid
        when 'smallint'::regtype then 0 when 'integer'::regtype then 0 when 'bigint'::regtype then 0
        when 'numeric'::regtype then case when a.atttypmod > 4 then (a.atttypmod - 4) & 2047 end
    end as numeric_scale
from mzlite.shown_relations as r
inner join pg_catalog.pg_attribute as a on a.attrelid = r.relation
where a.attnum > 0 and not a.attisdropped and (r.database_id is null or r.database_name = mz_catalog.current_database());

create view information_schema.views as
select
    coalesce(r.database_name, mz_catalog.current_database()::text) as table_catalog,
    r.schema_name as table_schema,
    r.name as table_name,
    coalesce(mz_internal.render(r.definition), pg_get_viewdef(r.relation)) as view_definition
from mzlite.shown_relations as r
where r.type = 'view' and (r.database_id is null or r.database_name = mz_catalog.current_database());

grant select on information_schema.tables, information_schema.columns, information_schema.views, information_schema.schemata to public;

-- What PostgreSQL's own catalog calls things, for names without a schema: kinds of relations as Materialize has them, and
-- nothing of what is hidden. Searched before pg_catalog.
create schema mzlite_pg;
grant usage on schema mzlite_pg to materialize;

create view mzlite_pg.pg_namespace as
select n.oid, n.nspname, n.nspowner, n.nspacl
from pg_catalog.pg_namespace as n
where n.nspname !~ '^(mzlite|mz_temp_|pg_toast|pg_temp)';

create view mzlite_pg.pg_class as
select
    c.oid, c.relname, c.relnamespace, c.reltype, c.reloftype, c.relowner, c.relam, c.relfilenode, c.reltablespace, c.relpages,
    c.reltuples, c.relallvisible, c.reltoastrelid, c.relhasindex, c.relisshared, c.relpersistence,
    case o.type when 'materialized-view' then 'm' when 'table' then 'r' when 'source' then 'r' else c.relkind end::"char" as relkind,
    c.relnatts, c.relchecks, c.relhasrules, c.relhastriggers, c.relhassubclass, c.relrowsecurity, c.relforcerowsecurity,
    c.relispopulated, c.relreplident, c.relispartition, c.relrewrite, c.relfrozenxid, c.relminmxid, c.relacl, c.reloptions,
    c.relpartbound
from pg_catalog.pg_class as c
left join mzlite.objects as o on o.relation = c.oid
where c.relnamespace in (select n.oid from mzlite_pg.pg_namespace as n)
union all
select
    o.oid, o.name::name, o.namespace, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, false, false, 'p', 'i'::"char",
    (select count(*)::smallint from mzlite.index_columns as k where k.index_id = o.id), 0, false, false, false, false, false, true, 'n',
    false, 0, '0', '0', null, null, null
from mzlite.objects as o
where o.type = 'index';

create view mzlite_pg.pg_matviews as
select s.name as schemaname, o.name as matviewname, r.name as matviewowner, null::text as tablespace, false as hasindexes, true as ispopulated,
    mz_internal.render(o.definition) as definition
from mzlite.objects as o
inner join mzlite.named_schemas as s on s.namespace = o.namespace
inner join mzlite.roles as r on r.id = o.owner_id
where o.type = 'materialized-view';

create view mzlite_pg.pg_database as
select d.oid, d.name::name as datname, 10::oid as datdba, 6 as encoding, 'c'::"char" as datlocprovider, false as datistemplate,
    true as datallowconn, -1 as datconnlimit, 'C'::text as datcollate, 'C'::text as datctype, null::aclitem[] as datacl
from mzlite.databases as d;

grant select on all tables in schema mzlite_pg to materialize;
