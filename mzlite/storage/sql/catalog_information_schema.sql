-- The relations of information_schema that clients read, with Materialize's columns and its kinds of relations.

-- Others of PostgreSQL's own are built on these, so they are put out of the way.
create schema mzlite_old;
alter view information_schema.tables set schema mzlite_old;
alter view information_schema.columns set schema mzlite_old;
alter view information_schema.views set schema mzlite_old;
alter view information_schema.schemata set schema mzlite_old;

create view information_schema.schemata as
select coalesce(database_name, mz_catalog.current_database()::text) as catalog_name, name as schema_name
from mzlite.shown_schemas
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
from mzlite.shown_objects as o
inner join mzlite.shown_schemas as s on s.namespace = o.namespace
where o.relation is not null
union all
select r.oid, null, null, s.name, r.name, r.type, '{}'::jsonb, null
from mzlite.system_relations as r
inner join mzlite.shown_schemas as s on s.id = r.schema_id;

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
    mz_internal.whole(a.attname::text) as column_name,
    a.attnum::bigint as ordinal_position,
    mz_internal.restored(r.details -> 'defaults' ->> a.attname::text) as column_default,
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
    coalesce(mz_internal.render(r.definition), mz_internal.restored(pg_catalog.pg_get_viewdef(r.relation))) as view_definition
from mzlite.shown_relations as r
where r.type = 'view' and (r.database_id is null or r.database_name = mz_catalog.current_database());

grant select on information_schema.tables, information_schema.columns, information_schema.views, information_schema.schemata to public;

-- What PostgreSQL's own catalog calls things: kinds and owners of relations as Materialize has them, and nothing of what
-- is hidden. Searched before pg_catalog; the dialect sends names in pg_catalog here too.
create schema mzlite_pg;
grant usage on schema mzlite_pg to materialize;

-- The role of the inner PostgreSQL that stands for an owner: it only has those of its own.
create view mzlite.inner_owners as
select distinct on (r.id) r.id, w.oid
from mzlite.roles as r
inner join pg_catalog.pg_roles as w on w.rolname in (r.name, 'materialize')
order by r.id, w.rolname = r.name desc;

create view mzlite_pg.pg_namespace as
select n.oid, coalesce(s.name, n.nspname::text) as nspname, coalesce(w.oid, n.nspowner) as nspowner, n.nspacl
from pg_catalog.pg_namespace as n
left join mzlite.shown_schemas as s on s.namespace = n.oid
left join mzlite.inner_owners as w on w.id = s.owner_id
where n.nspname !~ '^(mzlite|mz_temp_|pg_toast|pg_temp)'
    and (s.database_name is null or s.database_name = mz_catalog.current_database());

create view mzlite_pg.pg_class as
select
    c.oid, mz_internal.whole(c.relname::text) as relname, c.relnamespace, c.reltype, c.reloftype, coalesce(w.oid, c.relowner) as relowner, c.relam, c.relfilenode,
    c.reltablespace, c.relpages, c.reltuples, c.relallvisible, c.reltoastrelid,
    case when o.id is null then c.relhasindex
        else exists (select 1 from mzlite.shown_objects as i where i.type = 'index' and i.details ->> 'on_id' = o.id)
    end as relhasindex,
    c.relisshared, c.relpersistence,
    case o.type when 'materialized-view' then 'm' when 'table' then 'r' when 'source' then 'r' else c.relkind end::"char" as relkind,
    c.relnatts, c.relchecks, o.id is null and c.relhasrules as relhasrules, o.id is null and c.relhastriggers as relhastriggers,
    c.relhassubclass, c.relrowsecurity, c.relforcerowsecurity, c.relispopulated, c.relreplident, c.relispartition, c.relrewrite,
    c.relfrozenxid, c.relminmxid, c.relacl, c.reloptions, c.relpartbound, false as relhasoids
from pg_catalog.pg_class as c
left join mzlite.shown_objects as o on o.relation = c.oid
left join mzlite.inner_owners as w on w.id = o.owner_id
where c.relnamespace in (select n.oid from mzlite_pg.pg_namespace as n)
union all
select
    o.oid, o.name, o.namespace, 0, 0, w.oid, 0, 0, 0, 0, 0, 0, 0, false, false, 'p', 'i'::"char",
    (select count(*)::smallint from mzlite.shown_index_columns as k where k.index_id = o.id), 0, false, false, false, false, false, true, 'n',
    false, 0, '0', '0', null, null, null, false
from mzlite.shown_objects as o
left join mzlite.inner_owners as w on w.id = o.owner_id
where o.type = 'index' and o.namespace in (select n.oid from mzlite_pg.pg_namespace as n);

create view mzlite_pg.pg_attribute as
select
    a.attrelid, mz_internal.whole(a.attname::text) as attname, a.atttypid, a.attlen, a.attnum, a.atttypmod, a.attndims, a.attbyval, a.attalign, a.attstorage,
    a.attcompression, coalesce(o.details -> 'not_null' ? a.attname::text, a.attnotnull) as attnotnull, a.atthasdef, a.atthasmissing,
    a.attidentity, a.attgenerated, a.attisdropped, a.attislocal, a.attinhcount, a.attcollation, a.attstattarget, a.attacl, a.attoptions,
    a.attfdwoptions
from pg_catalog.pg_attribute as a
left join mzlite.shown_objects as o on o.relation = a.attrelid;

create view mzlite_pg.pg_index as
select
    o.oid as indexrelid, r.relation as indrelid, count(k.index_position)::smallint as indnatts, count(k.index_position)::smallint as indnkeyatts,
    false as indisunique, false as indnullsnotdistinct, false as indisprimary, false as indisexclusion, true as indimmediate,
    false as indisclustered, true as indisvalid, false as indcheckxmin, true as indisready, true as indislive, false as indisreplident,
    string_agg(coalesce(k.on_position, 0)::text, ' ' order by k.index_position)::int2vector as indkey,
    string_agg('0', ' ')::int2vector as indoption, null::text as indexprs, null::text as indpred
from mzlite.shown_objects as o
inner join mzlite.shown_objects as r on r.id = o.details ->> 'on_id'
left join mzlite.shown_index_columns as k on k.index_id = o.id
where o.type = 'index'
group by o.oid, r.relation;

-- With the columns of the version that Materialize calls itself. Materialize has no procedures.
create view mzlite_pg.pg_proc as
select p.*, p.prokind = 'a' as proisagg, p.prokind = 'w' as proiswindow
from pg_catalog.pg_proc as p
where p.prokind <> 'p' and p.pronamespace in (select n.oid from mzlite_pg.pg_namespace as n);

-- Comments on what clients see.
create view mzlite_pg.pg_description as
select
    coalesce(o.relation::oid, o.oid) as objoid,
    case when o.type = 'type' then 'pg_catalog.pg_type' else 'pg_catalog.pg_class' end::regclass::oid as classoid,
    c.object_sub_id as objsubid, c.comment as description
from mzlite.comments as c
inner join mzlite.objects as o on o.id = c.id
where c.object_type not in ('schema', 'database', 'role', 'cluster', 'cluster-replica')
    and (o.namespace is null or o.namespace in (select n.oid from mzlite_pg.pg_namespace as n))
union all
select s.namespace, 'pg_catalog.pg_namespace'::regclass::oid, 0, c.comment
from mzlite.comments as c
inner join mzlite.named_schemas as s on s.id = c.id
where c.object_type = 'schema';

-- The queries of plain views as they were written, and nothing of other relations. Bodies are texts: views are made anew.
create function mz_catalog.pg_get_viewdef(view oid) returns text language sql stable strict parallel safe
as 'select v.definition from mz_catalog.mz_views as v where v.oid = $1';
create function mz_catalog.pg_get_viewdef(view oid, pretty boolean) returns text language sql stable strict parallel safe
as 'select mz_catalog.pg_get_viewdef($1)';
create function mz_catalog.pg_get_viewdef(view oid, wide integer) returns text language sql stable strict parallel safe
as 'select mz_catalog.pg_get_viewdef($1)';
create function mz_catalog.pg_get_viewdef(view text) returns text language sql stable strict parallel safe
as 'select (select v.definition from mz_catalog.mz_views as v where v.name = $1)';
create function mz_catalog.pg_get_viewdef(view text, pretty boolean) returns text language sql stable strict parallel safe
as 'select mz_catalog.pg_get_viewdef($1)';

-- Their bodies are texts: parsed ones would keep a newer version from making the view anew.
set local allow_system_table_mods = on;
create or replace function pg_catalog.obj_description(oid, name) returns text language sql stable strict parallel safe
as $$
    select d.description from mzlite_pg.pg_description as d
    where d.objoid = $1 and d.objsubid = 0 and d.classoid = to_regclass('pg_catalog.' || quote_ident($2::text))::oid
$$;
create or replace function pg_catalog.col_description(oid, integer) returns text language sql stable strict parallel safe
as $$
    select d.description from mzlite_pg.pg_description as d
    where d.objoid = $1 and d.objsubid = $2 and d.classoid = 'pg_catalog.pg_class'::regclass::oid
$$;

-- What nobody can make in Materialize.
create view mzlite_pg.pg_constraint as select * from pg_catalog.pg_constraint where false;
create view mzlite_pg.pg_event_trigger as select * from pg_catalog.pg_event_trigger where false;
create view mzlite_pg.pg_inherits as select * from pg_catalog.pg_inherits where false;
create view mzlite_pg.pg_policy as select * from pg_catalog.pg_policy where false;
create view mzlite_pg.pg_rewrite as select * from pg_catalog.pg_rewrite where false;
create view mzlite_pg.pg_trigger as select * from pg_catalog.pg_trigger where false;

create view mzlite_pg.pg_matviews as
select s.name as schemaname, o.name as matviewname, r.name as matviewowner, null::text as tablespace, false as hasindexes, true as ispopulated,
    mz_internal.render(o.definition) as definition
from mzlite.shown_objects as o
inner join mzlite.shown_schemas as s on s.namespace = o.namespace
inner join mzlite.shown_roles as r on r.id = o.owner_id
where o.type = 'materialized-view';

create view mzlite_pg.pg_database as
select d.oid, d.name as datname, 10::oid as datdba, 6 as encoding, 'c'::"char" as datlocprovider, false as datistemplate,
    true as datallowconn, -1 as datconnlimit, 'C'::text as datcollate, 'C'::text as datctype, null::aclitem[] as datacl
from mzlite.shown_databases as d;

create view mzlite_pg.pg_tables as
select s.name as schemaname, o.name as tablename, r.name as tableowner
from mzlite.shown_objects as o
inner join mzlite.shown_schemas as s on s.namespace = o.namespace
inner join mzlite.shown_roles as r on r.id = o.owner_id
where o.type = 'table' and s.database_name = mz_catalog.current_database();

create view mzlite_pg.pg_views as
select s.schema_name as schemaname, s.name as viewname, c.relowner as viewowner,
    coalesce(mz_internal.render(s.definition), mz_internal.restored(pg_catalog.pg_get_viewdef(s.relation))) as definition
from mzlite.shown_relations as s
inner join mzlite_pg.pg_class as c on c.oid = s.relation
where s.type = 'view' and (s.database_id is null or s.database_name = mz_catalog.current_database());

create view mzlite_pg.pg_indexes as
select
    s.database_name as table_catalog, s.name as schemaname, t.name as tablename, i.name as indexname, null::text as tablespace,
    mz_internal.render(i.create_sql) as indexdef
from mzlite.shown_objects as i
inner join mzlite.shown_objects as t on t.id = i.details ->> 'on_id'
inner join mzlite.shown_schemas as s on s.namespace = i.namespace
where i.type = 'index' and s.database_name = mz_catalog.current_database();

create view mzlite_pg.pg_attrdef as
select d.oid, d.adrelid, d.adnum::bigint as adnum, d.adbin::text as adbin, d.adbin::text as adsrc
from (
    select
        (4000000000 + row_number() over (order by a.attrelid, a.attnum))::oid as oid, a.attrelid as adrelid, a.attnum as adnum,
        mz_internal.restored(o.details -> 'defaults' ->> a.attname::text) as adbin
    from (select relation, details from mzlite.shown_objects where details ? 'defaults' and relation is not null) as o
    inner join pg_catalog.pg_attribute as a on a.attrelid = o.relation and a.attnum > 0
    where o.details -> 'defaults' ? a.attname::text
) as d;

-- Roles by the oid that owners of relations have, where the inner PostgreSQL has one of that name.
create view mzlite_pg.pg_roles as
select
    r.name as rolname, r.superuser as rolsuper, r.inherit as rolinherit,
    mz_internal.system_privilege(r.id, 'R') as rolcreaterole, mz_internal.system_privilege(r.id, 'B') as rolcreatedb,
    r.login as rolcanlogin, false as rolreplication, -1 as rolconnlimit, '********'::text as rolpassword,
    null::timestamptz as rolvaliduntil, false as rolbypassrls,
    (select array_agg(p.name || '=' || mz_internal.restored(p.value) order by p.name) from mzlite.role_parameters as p where p.role_id = r.id) as rolconfig,
    coalesce(w.oid, r.oid) as oid
from mzlite.shown_roles as r
left join pg_catalog.pg_roles as w on w.rolname = r.name
where r.id <> 'p';

create view mzlite_pg.pg_authid as
select
    oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
    rolpassword, rolvaliduntil
from mzlite_pg.pg_roles;

create view mzlite_pg.pg_user as
select
    rolname as usename, oid as usesysid, rolcreatedb as usecreatedb, rolsuper as usesuper, rolreplication as userepl,
    rolbypassrls as usebypassrls, rolpassword as passwd, rolvaliduntil as valuntil, rolconfig as useconfig
from mzlite_pg.pg_roles
where rolcanlogin;

create view mzlite_pg.pg_auth_members as
select g.oid as roleid, m.oid as member, o.oid as grantor, false as admin_option
from mzlite.role_members as x
inner join mzlite.shown_roles as g on g.id = x.role_id
inner join mzlite.shown_roles as m on m.id = x.member_id
inner join mzlite.shown_roles as o on o.id = x.grantor_id;

create view mzlite_pg.pg_settings as
select 'max_index_keys'::text as name, '1000'::text as setting;

grant select on all tables in schema mzlite_pg to materialize;

-- The same for all databases at once.
create view mz_internal.pg_namespace_all_databases as
select s.namespace as oid, s.name as nspname, r.oid as nspowner, null::text[] as nspacl, s.database_name
from mzlite.shown_schemas as s
left join mzlite.shown_roles as r on r.id = s.owner_id;

create view mz_internal.pg_class_all_databases as
select
    c.oid, r.name as relname, c.relnamespace, c.reloftype, coalesce(o.oid, c.relowner) as relowner, c.relam, c.reltablespace, c.reltuples,
    c.reltoastrelid, exists (select from mzlite.shown_objects as i where i.type = 'index' and i.details ->> 'on_id' = x.id) as relhasindex,
    c.relpersistence,
    case r.type when 'materialized-view' then 'm' when 'view' then 'v' else 'r' end as relkind,
    c.relnatts, 0::smallint as relchecks, false as relhasrules, false as relhastriggers, false as relhassubclass,
    false as relrowsecurity, false as relforcerowsecurity, 'd'::"char" as relreplident, false as relispartition,
    false as relhasoids, null::text[] as reloptions, r.database_name
from mzlite.shown_relations as r
inner join pg_catalog.pg_class as c on c.oid = r.relation
left join mzlite.shown_objects as x on x.relation = r.relation
left join mzlite.shown_roles as o on o.id = x.owner_id;

create view mz_internal.pg_attribute_all_databases as
select
    a.attrelid, mz_internal.whole(a.attname::text) as attname, mz_internal.type_oid(a.atttypid) as atttypid, a.attlen, a.attnum, a.atttypmod,
    coalesce(r.details -> 'not_null' ? a.attname::text, false) as attnotnull,
    coalesce(r.details -> 'defaults' ? a.attname::text, false) as atthasdef,
    a.attidentity, a.attgenerated, a.attisdropped, a.attcollation, r.database_name, null::text as pg_type_database_name
from mzlite.shown_relations as r
inner join pg_catalog.pg_attribute as a on a.attrelid = r.relation
where a.attnum > 0;

create view mz_internal.pg_attrdef_all_databases as select oid, adrelid, adnum, adbin, adsrc from mzlite_pg.pg_attrdef;

create view mz_internal.pg_authid_core as
select
    oid, rolname, rolsuper, rolinherit, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, null::text as rolpassword,
    rolvaliduntil
from mzlite_pg.pg_authid;

create view mz_internal.pg_description_all_databases as
select
    o.oid as objoid, 'pg_class'::regclass::oid as classoid, c.object_sub_id as objsubid, c.comment as description,
    s.database_name as oid_database_name, null::text as class_database_name
from mzlite.comments as c
inner join mzlite.shown_objects as o on o.id = c.id and o.type = c.object_type
inner join mzlite.shown_schemas as s on s.namespace = o.namespace;

create view mz_internal.pg_type_all_databases as
select
    mz_internal.type_oid(t.oid) as oid, mz_internal.whole(t.typname::text) as typname, t.typnamespace, t.typowner, t.typlen, t.typtype, t.typcategory, t.typdelim,
    t.typrelid, mz_internal.type_oid(t.typelem) as typelem, mz_internal.type_oid(t.typarray) as typarray, t.typinput,
    t.typreceive::oid as typreceive, t.typnotnull, t.typbasetype, t.typtypmod, t.typcollation, t.typdefault, s.database_name
from pg_catalog.pg_type as t
inner join mzlite.shown_schemas as s on s.namespace = t.typnamespace
where t.typtype in ('b', 'd', 'p') or s.database_id is not null;
