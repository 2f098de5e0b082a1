-- The mz_show_.. views of mz_internal: what SHOW prints, and who may do what.

create function mz_internal.comment_on(object_type text, object_id text) returns text
language sql stable security definer parallel safe
begin atomic
select coalesce(
    (
        select c.comment from mzlite.comments as c
        where c.id = comment_on.object_id and c.object_type = comment_on.object_type and c.object_sub_id = 0
    ),
    ''
);
end;

create view mz_internal.mz_show_databases as
select name, mz_internal.comment_on('database', id) as comment from mz_catalog.mz_databases;

create view mz_internal.mz_show_schemas as
select database_id, name, mz_internal.comment_on('schema', id) as comment from mz_catalog.mz_schemas;

create view mz_internal.mz_show_roles as
select name, mz_internal.comment_on('role', id) as comment from mz_catalog.mz_roles where id like 'u%';

create view mz_internal.mz_show_tables as
select schema_id, name, mz_internal.comment_on('table', id) as comment, source_id from mz_catalog.mz_tables;

create view mz_internal.mz_show_views as
select schema_id, name, mz_internal.comment_on('view', id) as comment from mz_catalog.mz_views;

create view mz_internal.mz_show_materialized_views as
select o.id, o.name, c.name as cluster, o.schema_id, o.cluster_id, mz_internal.comment_on('materialized-view', o.id) as comment
from mzlite.placed_objects as o
inner join mzlite.shown_clusters as c on c.id = o.cluster_id
where o.type = 'materialized-view';

create view mz_internal.mz_show_sources as
select
    o.id, o.name, o.details ->> 'source_type' as type, c.name as cluster, o.schema_id, o.cluster_id,
    mz_internal.comment_on('source', o.id) as comment
from mzlite.placed_objects as o
left join mzlite.shown_clusters as c on c.id = o.cluster_id
where o.type = 'source';

create view mz_internal.mz_show_sinks as
select
    o.id, o.name, 'kafka'::text as type, c.name as cluster, o.schema_id, o.cluster_id, mz_internal.comment_on('sink', o.id) as comment
from mzlite.placed_objects as o
inner join mzlite.shown_clusters as c on c.id = o.cluster_id
where o.type = 'sink';

create view mz_internal.mz_show_connections as
select schema_id, name, type, mz_internal.comment_on('connection', id) as comment from mz_catalog.mz_connections;

create view mz_internal.mz_show_secrets as
select schema_id, name, mz_internal.comment_on('secret', id) as comment from mz_catalog.mz_secrets;

create view mz_internal.mz_show_types as
select schema_id, name, mz_internal.comment_on('type', id) as comment from mz_catalog.mz_types;

create view mz_internal.mz_show_all_objects as
select schema_id, name, type, mz_internal.comment_on(type, id) as comment from mz_catalog.mz_objects;

create view mz_internal.mz_show_columns as
select
    c.id, c.name, c.nullable, c.type, c.position,
    coalesce((select m.comment from mzlite.comments as m where m.id = c.id and m.object_sub_id = c.position::int), '') as comment
from mz_catalog.mz_columns as c;

create view mz_internal.mz_show_indexes as
select
    i.id,
    i.name,
    r.name as "on",
    c.name as cluster,
    array(
        select coalesce(mz_internal.whole(a.attname::text), k.on_expression)
        from mzlite.shown_index_columns as k
        left join pg_catalog.pg_attribute as a on a.attrelid = r.relation and a.attnum = k.on_position
        where k.index_id = i.id
        order by k.index_position
    ) as key,
    r.id as on_id,
    r.schema_id,
    i.cluster_id,
    mz_internal.comment_on('index', i.id) as comment
from mzlite.shown_objects as i
inner join mzlite.placed_objects as r on r.id = i.details ->> 'on_id'
inner join mzlite.shown_clusters as c on c.id = i.cluster_id
where i.type = 'index';

create view mz_internal.mz_show_clusters as
select
    c.name,
    (
        select string_agg(r.name || ' (' || coalesce(r.size, '') || ')', ', ' order by r.name)
        from mzlite.shown_replicas as r where r.cluster_id = c.id
    ) as replicas,
    mz_internal.comment_on('cluster', c.id) as comment
from mzlite.shown_clusters as c;

create view mz_internal.mz_show_cluster_replicas as
select
    c.name as cluster, r.name as replica, r.id as replica_id, r.size, true as ready,
    mz_internal.comment_on('cluster-replica', r.id) as comment
from mzlite.shown_replicas as r
inner join mzlite.shown_clusters as c on c.id = r.cluster_id;

-- Privileges, one a row.
create view mzlite.shown_privileges as
select
    coalesce(grantor.name, item.grantor) as grantor,
    coalesce(grantee.name, item.grantee) as grantee,
    p.database,
    p.schema,
    p.name,
    p.object_type,
    item.privilege_type,
    item.grantee as grantee_id
from (
    select null::text as database, null::text as schema, null::text as name, 'system'::text as object_type,
        mz_internal.privileges('system', 'system', 's1') as privileges
    union all
    select null, null, name, 'cluster', privileges from mz_catalog.mz_clusters
    union all
    select null, null, name, 'database', privileges from mz_catalog.mz_databases
    union all
    select s.database_name, null, s.name, 'schema', mz_internal.privileges('schema', s.id, s.owner_id)
    from mzlite.shown_schemas as s
    where s.database_id is not null
    union all
    select s.database_name, s.name, o.name,
        case when o.type in ('source', 'view', 'materialized-view') then 'table' else o.type end,
        mz_internal.privileges(o.type, o.id, o.owner_id)
    from mzlite.shown_objects as o
    inner join mzlite.shown_schemas as s on s.namespace = o.namespace
    where o.type not in ('index', 'sink')
) as p
cross join lateral mz_internal.mz_aclexplode(p.privileges) as item
left join mzlite.shown_roles as grantor on grantor.id = item.grantor
left join mzlite.shown_roles as grantee on grantee.id = item.grantee;

create view mz_internal.mz_show_all_privileges as
select grantor, grantee, database, schema, name, object_type, privilege_type from mzlite.shown_privileges;
create view mz_internal.mz_show_system_privileges as
select grantor, grantee, privilege_type from mzlite.shown_privileges where object_type = 'system';
create view mz_internal.mz_show_cluster_privileges as
select grantor, grantee, name, privilege_type from mzlite.shown_privileges where object_type = 'cluster';
create view mz_internal.mz_show_database_privileges as
select grantor, grantee, name, privilege_type from mzlite.shown_privileges where object_type = 'database';
create view mz_internal.mz_show_schema_privileges as
select grantor, grantee, database, name, privilege_type from mzlite.shown_privileges where object_type = 'schema';
create view mz_internal.mz_show_object_privileges as
select grantor, grantee, database, schema, name, object_type, privilege_type from mzlite.shown_privileges
where object_type not in ('system', 'cluster', 'database', 'schema');

-- The client's own: every client is the role materialize inside, which owns what it makes. The bootstrap's objects grant it all.
create view mz_internal.mz_show_all_my_privileges as
select grantor, grantee, database, schema, name, object_type, privilege_type from mzlite.shown_privileges where grantee_id in ('u1', 'p');
create view mz_internal.mz_show_my_system_privileges as
select grantor, grantee, privilege_type from mzlite.shown_privileges where object_type = 'system' and grantee_id in ('u1', 'p');
create view mz_internal.mz_show_my_cluster_privileges as
select grantor, grantee, name, privilege_type from mzlite.shown_privileges where object_type = 'cluster' and grantee_id in ('u1', 'p');
create view mz_internal.mz_show_my_database_privileges as
select grantor, grantee, name, privilege_type from mzlite.shown_privileges where object_type = 'database' and grantee_id in ('u1', 'p');
create view mz_internal.mz_show_my_schema_privileges as
select grantor, grantee, database, name, privilege_type from mzlite.shown_privileges where object_type = 'schema' and grantee_id in ('u1', 'p');
create view mz_internal.mz_show_my_object_privileges as
select grantor, grantee, database, schema, name, object_type, privilege_type from mzlite.shown_privileges
where object_type not in ('system', 'cluster', 'database', 'schema') and grantee_id in ('u1', 'p');

create view mz_internal.mz_show_role_members as
select r.name as role, m.name as member, g.name as grantor
from mzlite.role_members as x
inner join mzlite.shown_roles as r on r.id = x.role_id
inner join mzlite.shown_roles as m on m.id = x.member_id
inner join mzlite.shown_roles as g on g.id = x.grantor_id;
create view mz_internal.mz_show_my_role_members as
select role, member, grantor from mz_internal.mz_show_role_members where member = 'materialize';

create view mz_internal.mz_show_default_privileges as
select
    case when p.role_id = 'p' then 'PUBLIC' else o.name end as object_owner,
    d.name as database,
    s.name as schema,
    p.object_type,
    case when p.grantee_id = 'p' then 'PUBLIC' else g.name end as grantee,
    mz_internal.privilege_name(letter) as privilege_type
from mzlite.default_privileges as p
cross join lateral regexp_split_to_table(p.privileges, '') as l (letter)
left join mzlite.shown_roles as o on o.id = p.role_id
left join mzlite.shown_roles as g on g.id = p.grantee_id
left join mzlite.shown_databases as d on d.id = p.database_id
left join mzlite.shown_schemas as s on s.id = p.schema_id;
create view mz_internal.mz_show_my_default_privileges as
select object_owner, database, schema, object_type, grantee, privilege_type from mz_internal.mz_show_default_privileges;

create view mz_internal.mz_show_network_policies as
select
    p.name,
    coalesce((select string_agg(r.name, ',' order by r.name) from mzlite.shown_policy_rules as r where r.policy_id = p.id), '') as rules,
    mz_internal.comment_on('network-policy', p.id) as comment
from mzlite.shown_policies as p;
create view mz_internal.mz_show_continual_tasks as
select null::text as id, null::text as name, null::text as cluster, null::text as schema_id, null::text as cluster_id, null::text as comment
where false;
