-- What the catalog views compute: names, privileges, types. They run with the rights of their owner, because clients have none
-- on the registry.

-- An access control item, in Materialize's notation: grantee=privileges/grantor.
create type mz_catalog.mz_aclitem;
create function mz_internal.mz_aclitem_in(cstring) returns mz_catalog.mz_aclitem language internal immutable strict parallel safe as 'textin';
create function mz_internal.mz_aclitem_out(mz_catalog.mz_aclitem) returns cstring language internal immutable strict parallel safe as 'textout';
create type mz_catalog.mz_aclitem (input = mz_internal.mz_aclitem_in, output = mz_internal.mz_aclitem_out, like = text);
create cast (mz_catalog.mz_aclitem as text) without function as implicit;
create cast (text as mz_catalog.mz_aclitem) without function as assignment;

create function mz_internal.quote_name(name text) returns text
language sql immutable strict parallel safe
return case
    when name ~ '^[a-z_][a-z0-9_$]*$' and name <> all (array[
        'array', 'case', 'cast', 'cross', 'day', 'except', 'false', 'fetch', 'from', 'full', 'group', 'having',
        'hour', 'inner', 'intersect', 'join', 'left', 'limit', 'minute', 'month', 'natural', 'not', 'null', 'offset',
        'on', 'options', 'order', 'outer', 'qualify', 'returning', 'right', 'second', 'select', 'set', 'true',
        'union', 'using', 'values', 'where', 'window', 'with', 'year'
    ]) then name
    else '"' || replace(name, '"', '""') || '"'
end;

-- Names of more than 63 bytes: the registry and PostgreSQL have short ones, the catalog shows whole ones.
create function mzlite.long_name(short text) returns text
language sql stable strict security definer parallel safe
return coalesce(
    (select n.name from mzlite.long_names as n where n.short = long_name.short),
    nullif(current_setting('mzlite.long_names', true), '')::jsonb ->> long_name.short  -- younger than what the transaction reads
);
create function mz_internal.whole(name text) returns text
language sql stable parallel safe
return case when length(name) = 30 and name ~ '^long[_~][0-9a-f]{25}$' then coalesce(mzlite.long_name(name), name) else name end;

-- The same of the names in a statement.
create function mzlite.restored_text(statement text) returns text
language plpgsql stable strict security definer parallel safe
set search_path = pg_catalog
as $$
declare
    short text;
    found text;
begin
    for short in select distinct m[1] from regexp_matches(statement, '(long[_~][0-9a-f]{25})', 'g') as m loop
        found := mzlite.long_name(short);
        if found is not null then
            statement := replace(replace(statement, '"' || short || '"', '"' || replace(found, '"', '""') || '"'), short, found);
        end if;
    end loop;
    return statement;
end
$$;
-- The keys of JSON that PostgreSQL has made of rows.
create function mzlite.whole_keys(rows json) returns json
language plpgsql stable strict parallel safe
set search_path = pg_catalog
as $$
declare
    shown text := rows::text;
    short text;
begin
    for short in select distinct m[1] from regexp_matches(shown, '"(long[_~][0-9a-f]{25})":', 'g') as m loop
        shown := replace(shown, '"' || short || '":', to_json(mz_internal.whole(short))::text || ':');
    end loop;
    return shown::json;
end
$$;
create function mz_internal.whole_keys(rows json) returns json
language sql stable parallel safe
return case when strpos(rows::text, '"long') > 0 then mzlite.whole_keys(rows) else rows end;

create function mz_internal.restored(statement text) returns text
language sql stable parallel safe
return case when strpos(statement, 'long') > 0 then mzlite.restored_text(statement) else statement end;

-- The schema's own name: databases other than the first keep theirs as a prefix in the inner PostgreSQL, where both together
-- may be a long name.
create function mz_internal.schema_name(nspname name, database_name text, database_id text) returns text
language sql stable parallel safe
return case
    when database_id is null or database_name = 'materialize' then nspname::text
    else substr(mz_internal.whole(nspname::text), length(database_name) + 2)
end;

create view mzlite.named_schemas as
select
    s.id,
    s.namespace,
    s.database_id,
    d.name as database_name,
    mz_internal.schema_name(n.nspname, d.name, s.database_id) as name,
    s.owner_id
from mzlite.schemas as s
inner join pg_catalog.pg_namespace as n on n.oid = s.namespace
left join mzlite.databases as d on d.id = s.database_id;

-- The registry with whole names, over which the catalog's views are.
create view mzlite.shown_schemas as
select
    s.id,
    s.namespace,
    s.database_id,
    mz_internal.whole(s.database_name) as database_name,
    mz_internal.whole(s.name) as name,
    s.owner_id
from mzlite.named_schemas as s;

create view mzlite.shown_objects as
select
    o.id,
    o.oid,
    o.type,
    o.relation,
    o.namespace,
    mz_internal.whole(o.name) as name,
    o.cluster_id,
    o.owner_id,
    mz_internal.restored(o.create_sql) as create_sql,
    mz_internal.restored(o.definition) as definition,
    o.details,
    o.created_at,
    o.session_id
from mzlite.objects as o;

create view mzlite.shown_roles as
select r.id, r.oid, mz_internal.whole(r.name) as name, r.inherit, r.login, r.superuser from mzlite.roles as r;

create view mzlite.shown_databases as
select d.id, d.oid, mz_internal.whole(d.name) as name, d.owner_id from mzlite.databases as d;

create view mzlite.shown_clusters as
select
    c.id,
    c.oid,
    mz_internal.whole(c.name) as name,
    c.owner_id,
    c.managed,
    c.size,
    c.replication_factor,
    c.introspection_debugging,
    c.introspection_interval,
    c.schedule,
    c.hydration_time_estimate,
    c.workload_class,
    c.options
from mzlite.clusters as c;

create view mzlite.shown_replicas as
select r.id, mz_internal.whole(r.name) as name, r.cluster_id, r.size, r.availability_zone, r.owner_id, r.created_at
from mzlite.cluster_replicas as r;

create view mzlite.shown_policies as
select p.id, p.oid, mz_internal.whole(p.name) as name, p.owner_id from mzlite.network_policies as p;

create view mzlite.shown_policy_rules as
select r.policy_id, r.position, mz_internal.whole(r.name) as name, r.action, r.direction, r.address
from mzlite.network_policy_rules as r;

create view mzlite.shown_index_columns as
select k.index_id, k.index_position, k.on_position, mz_internal.restored(k.on_expression) as on_expression, k.nullable
from mzlite.index_columns as k;

-- The schemas of the search path: the inner one begins with what is always searched, which Materialize does not count.
create function mzlite.schema_names(path name[], include_implicit boolean) returns text[]
language sql stable strict security definer parallel safe
begin atomic
select coalesce(
    array_agg(coalesce(s.name, u.schema::text) order by u.position) filter (
        where u.schema not like 'mz\_temp\_%' and (schema_names.include_implicit or u.schema not in ('mz_catalog', 'pg_catalog'))
            and u.schema <> 'mzlite_pg'
    ),
    '{}'
)
from unnest(schema_names.path) with ordinality as u (schema, position)
left join pg_catalog.pg_namespace as n on n.nspname = u.schema
left join mzlite.shown_schemas as s on s.namespace = n.oid;
end;
-- The same for a session that names them in its search path: there they are where it says.
create function mzlite.schema_names_of(wanted jsonb, found text[], include_implicit boolean) returns text[]
language sql immutable strict parallel safe
return (
    select coalesce(array_agg(n.name order by n.position), '{}')
    from (
        select i.name, 0 as position from unnest('{mz_catalog,pg_catalog}'::text[]) as i (name)
        where include_implicit and not wanted ? i.name
        union all
        select w.name, w.position from jsonb_array_elements_text(wanted) with ordinality as w (name, position)
        where w.name = any(found) or w.name in ('mz_catalog', 'pg_catalog')
    ) as n
);
create function mz_catalog.current_schemas(include_implicit boolean) returns text[]
language sql stable strict parallel safe
return case
    when current_setting('mzlite.path', true) ~ '"(mz|pg)_catalog"'
    then mzlite.schema_names_of(
        current_setting('mzlite.path')::jsonb, mzlite.schema_names(pg_catalog.current_schemas(false), false), include_implicit
    )
    else mzlite.schema_names(pg_catalog.current_schemas(false), include_implicit)
end;
create function mz_catalog.current_schema() returns text
language sql stable parallel safe
return (mz_catalog.current_schemas(false))[1];

create function mzlite.full_name(object_id text) returns text
language sql stable security definer parallel safe
begin atomic
select concat_ws('.', mz_internal.quote_name(s.database_name), mz_internal.quote_name(s.name), mz_internal.quote_name(o.name))
from mzlite.shown_objects as o
left join mzlite.shown_schemas as s on s.namespace = o.namespace
where o.id = object_id;
end;

create function mzlite.cluster_name(cluster_id text) returns text
language sql stable security definer parallel safe
begin atomic
select mz_internal.quote_name(c.name) from mzlite.shown_clusters as c where c.id = cluster_id;
end;

-- Puts the current names into a stored statement: ${u5} is an object, ${cluster:u1} a cluster.
create function mzlite.render_statement(statement text) returns text
language plpgsql stable strict security definer parallel safe
set search_path = pg_catalog
as $$
declare
    reference text;
begin
    for reference in select distinct m[1] from regexp_matches(statement, '\$\{([a-z:0-9]+)\}', 'g') as m loop
        statement := replace(
            statement, '${' || reference || '}',
            coalesce(
                case
                    when reference like 'cluster:%' then mzlite.cluster_name(substr(reference, 9))
                    else mzlite.full_name(reference)
                end,
                reference
            )
        );
    end loop;
    return statement;
end
$$;
create function mz_internal.render(statement text) returns text
language sql stable strict parallel safe
return case when strpos(statement, '${') > 0 then mzlite.render_statement(statement) else statement end;

-- A statement without its literals: strings and numbers, but for those that belong to a type.
create function mz_internal.redact(statement text) returns text
language sql immutable strict parallel safe
return replace(
    regexp_replace(
        regexp_replace(statement, '''([^'']|'''')*''', chr(1), 'g'),
        '(?<!pg_catalog\.\w+\([0-9, ]*)(?<![\w$".{])\d+(\.\d*)?([eE][+-]?\d+)?(?!["\w])', chr(1), 'g'
    ),
    chr(1), '''<REDACTED>'''
);

-- All privileges on an object: its owner's, and what was granted.
create function mz_internal.privileges(object_type text, object_id text, owner_id text) returns mz_catalog.mz_aclitem[]
language sql stable security definer parallel safe
begin atomic
select array_agg(format('%s=%s/%s', nullif(g.grantee_id, 'p'), g.letters, g.grantor_id)::mz_catalog.mz_aclitem order by g.rank, g.grantee_id)
from (
    select
        0 as rank,
        privileges.owner_id as grantee_id,
        privileges.owner_id as grantor_id,
        case
            when privileges.object_type = 'table' then 'arwd'
            when privileges.object_type in ('source', 'view', 'materialized-view') then 'r'
            when privileges.object_type in ('connection', 'secret', 'type') then 'U'
            when privileges.object_type = 'system' then 'RBNP'
            when privileges.object_type = 'network-policy' then 'U'
            else 'UC'
        end as letters
    union all
    select 1, 'p', privileges.owner_id, 'U'
    where (privileges.object_type, privileges.object_id) in (('cluster', 'u1'), ('database', 'u1'), ('schema', 'u3'))
    union all
    select 2, p.grantee_id, p.grantor_id, string_agg(p.privilege, '' order by strpos('arwdUCRBNP', p.privilege))
    from mzlite.privileges as p
    where p.object_type = privileges.object_type and p.object_id = privileges.object_id
        and (p.grantee_id, p.grantor_id) <> (privileges.owner_id, privileges.owner_id)
    group by p.grantee_id, p.grantor_id
) as g;
end;

create function mz_internal.system_privilege(role_id text, letter text) returns boolean
language sql stable security definer parallel safe
begin atomic
select exists (
    select from mzlite.privileges as p
    where p.object_type = 'system' and p.grantee_id = system_privilege.role_id and p.privilege = system_privilege.letter
);
end;

create function mz_internal.privilege_name(letter text) returns text
language sql immutable strict parallel safe
return case letter
    when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' when 'U' then 'USAGE'
    when 'C' then 'CREATE' when 'R' then 'CREATEROLE' when 'B' then 'CREATEDB' when 'N' then 'CREATECLUSTER'
    when 'P' then 'CREATENETWORKPOLICY'
end;

create function mz_internal.mz_aclexplode(privileges mz_catalog.mz_aclitem[])
returns table (grantor text, grantee text, privilege_type text, is_grantable boolean)
language sql immutable strict parallel safe
begin atomic
select
    split_part(item::text, '/', 2),
    coalesce(nullif(split_part(item::text, '=', 1), ''), 'p'),
    mz_internal.privilege_name(letter),
    false
from unnest(privileges) as u (item)
cross join lateral regexp_split_to_table(split_part(split_part(item::text, '=', 2), '/', 1), '') as l (letter);
end;

-- A relation by its name; where a view stands for one of PostgreSQL's, that one.
create function mz_internal.unshadowed(relation regclass) returns oid language sql stable strict parallel safe
return (
    select coalesce(case when c.relnamespace::regnamespace::text = 'mzlite_pg' then to_regclass('pg_catalog.' || quote_ident(c.relname))::oid end, c.oid)
    from pg_catalog.pg_class as c where c.oid = relation
);

-- Type oids and names as Materialize reports them.
create function mz_internal.type_name(type oid) returns text
language sql stable parallel safe
return case
    when type = 'mz_catalog.kafka_header[]'::regtype then 'list'
    when type = 'mz_catalog.kafka_decode_error'::regtype then 'record'
    when format_type(type, null) ~ '^(mz_catalog\.)?map_[a-z0-9_]+$' then 'map'
    when format_type(type, null) ~ '^(mz_catalog\.)?list_[a-z0-9_]+$' then 'list'
    when format_type(type, null) ~ '^mzlite_def\.' then 'record'
    when format_type(type, null) ~ ' (list|map)"$' then substring(format_type(type, null) from ' (list|map)"$')
    when type = 'time'::regtype then 'time'
    when type = 'name'::regtype then 'text'
    when type = 'json'::regtype then 'jsonb'
    when type = '"char"'::regtype then 'char'
    else mz_internal.restored(replace(replace(format_type(type, null), 'mz_catalog.', ''), 'time without time zone[]', 'time[]'))
end;

-- What pg_typeof() says.
create function mz_internal.pg_typeof(type regtype) returns text language plpgsql stable strict parallel safe
as $$
declare
    name text := replace(textin(regtypeout(type)), 'mz_catalog.', '');
begin
    return case
        when name ~ '^list_' then mz_internal.pg_typeof((select t.typelem from pg_catalog.pg_type as t where t.oid = type)) || ' list'
        when name = 'map_nested' then 'map'
        when name ~ '^mzlite_def\.' then 'record'
        when name ~ '^"?[^"]* list"$' then replace(name, '"', '')
        when name ~ '^"?[^"]* map"$' then 'map[text=>' || replace(regexp_replace(name, ' map"$', ''), '"', '') || ']'
        when name ~ '^map_' then 'map[text=>' || mz_internal.pg_typeof(coalesce(to_regtype('mz_catalog.' || substr(name, 5)), to_regtype(substr(name, 5)))) || ']'
        else name
    end;
end
$$;

create function mz_internal.type_oid(type oid) returns oid
language sql stable parallel safe
return case type
    when 'mz_catalog.uint2'::regtype then 16460 when 'mz_catalog.uint2[]'::regtype then 16461
    when 'mz_catalog.uint4'::regtype then 16462 when 'mz_catalog.uint4[]'::regtype then 16463
    when 'mz_catalog.uint8'::regtype then 16464 when 'mz_catalog.uint8[]'::regtype then 16465
    when 'mz_catalog.mz_timestamp'::regtype then 16552 when 'mz_catalog.mz_timestamp[]'::regtype then 16553
    when 'mz_catalog.mz_aclitem'::regtype then 16566 when 'mz_catalog.mz_aclitem[]'::regtype then 16567
    when 'mz_catalog.kafka_header[]'::regtype then 16384
    when 'mz_catalog.kafka_decode_error'::regtype then 2249
    when 'name'::regtype then 25
    when 'json'::regtype then 3802
    else case mz_internal.type_name(type) when 'map' then 16385 when 'list' then 16384 when 'record' then 2249 else type end
end;

-- The type of which these are the lists or maps, where that is one that a user has made.
create function mz_internal.type_under(type oid) returns oid language sql stable strict security definer parallel safe
return (
    select e.oid from pg_catalog.pg_type as t
    inner join pg_catalog.pg_type as e on e.typnamespace = t.typnamespace and e.typname = regexp_replace(t.typname, ' (list|map)$', '')
    where t.oid = type
);
-- The type as a column of CREATE TABLE shows it, with its schema.
create function mz_internal.qualified_type(type oid) returns text language plpgsql stable security definer parallel safe
as $$
declare
    name text;
    schema text;
    element oid;
begin
    select t.typname::text, t.typelem, n.nspname::text into name, element, schema
    from pg_catalog.pg_type as t inner join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    where t.oid = qualified_type.type;
    return case
        when schema = 'mz_catalog' and name ~ '^map_[a-z]' and name <> 'map_nested' then
            'map[pg_catalog.text=>' || mz_internal.qualified_type(coalesce(to_regtype('mz_catalog.' || substr(name, 5)), to_regtype(substr(name, 5)))::oid) || ']'
        when schema = 'mz_catalog' and name ~ '^list_[a-z]' then mz_internal.qualified_type(element) || ' list'
        when schema in ('mz_catalog', 'pg_catalog') then schema || '.' || name
        when name ~ ' list$' then mz_internal.qualified_type(mz_internal.type_under(type)) || ' list'
        when name ~ ' map$' then 'map[pg_catalog.text=>' || mz_internal.qualified_type(mz_internal.type_under(type)) || ']'
        else '${' || (select o.id from mzlite.objects as o where o.details ->> 'type_oid' = qualified_type.type::text) || '}'
    end;
end
$$;
create function mz_internal.qualified_type(type oid, modifier integer) returns text
language sql stable security definer parallel safe
return mz_internal.qualified_type(type)
    || case
        when modifier < 0 then ''
        else replace(coalesce(substring(format_type(type, modifier) from '\([^)]*\)'), ''), ',', ', ')
    end;

-- Privileges are not enforced, so that everybody has them.
create function mz_catalog.has_system_privilege(privilege text) returns boolean language sql stable strict parallel safe return true;
create function mz_catalog.has_system_privilege(role text, privilege text) returns boolean language sql stable strict parallel safe return true;
create function mz_catalog.has_system_privilege(role oid, privilege text) returns boolean language sql stable strict parallel safe return true;
do $do$
declare
    name text;
begin
    foreach name in array array['cluster', 'connection', 'secret'] loop
        execute format('create function mz_catalog.has_%s_privilege(object text, privilege text) returns boolean language sql stable strict parallel safe return true', name);
        execute format('create function mz_catalog.has_%s_privilege(role text, object text, privilege text) returns boolean language sql stable strict parallel safe return true', name);
        execute format('create function mz_catalog.has_%s_privilege(role oid, object text, privilege text) returns boolean language sql stable strict parallel safe return true', name);
        continue when name = 'cluster';
        execute format('create function mz_catalog.has_%s_privilege(object oid, privilege text) returns boolean language sql stable strict parallel safe return true', name);
        execute format('create function mz_catalog.has_%s_privilege(role text, object oid, privilege text) returns boolean language sql stable strict parallel safe return true', name);
        execute format('create function mz_catalog.has_%s_privilege(role oid, object oid, privilege text) returns boolean language sql stable strict parallel safe return true', name);
    end loop;
end
$do$;
create function mz_internal.is_rbac_enabled() returns boolean language sql stable parallel safe return false;
