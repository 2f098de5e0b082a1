-- Lists: for each type of elements a base type over PostgreSQL's representation of an array of one dimension. It is no array to
-- PostgreSQL, so that functions of arrays do not take it, an array of lists may be ragged and a list is subscripted by itself.
-- The types, functions and operators are written into the catalog many at once: one statement for each of them would take most of
-- the time in which a server starts.

-- One item of the text of a list or a map, which begins at place i of its characters and is no white space there: in quotes,
-- embedded in braces, or plain up to one of the stops, without the white space behind it. The item is null for an unquoted NULL;
-- i is the place behind it; why says what is wrong.
--   specials: what a plain item may only have escaped; embeds: whether the item may be a list or map of its own
create function mz_internal.literal_item(c text[], inout i integer, specials text[], stops text[], embeds boolean, out item text, out why text)
language plpgsql immutable strict parallel safe
as $$
declare
    n integer := cardinality(c);
    first integer := i;
    depth integer := 0;
    kept integer := 0;
    quotes boolean := false;
    escaped boolean := false;
begin
    item := '';
    if i > n then
        why := 'unexpected end of input';
    elsif c[i] = '"' then
        i := i + 1;
        loop
            if i <= n and c[i] = '\' then i := i + 1; elsif i <= n and c[i] = '"' then exit; end if;
            if i > n then
                why := 'unterminated quoted string';
                return;
            end if;
            item := item || c[i];
            i := i + 1;
        end loop;
        i := i + 1;
    elsif c[i] = '{' and embeds then
        loop
            if i > n then
                why := 'unterminated embedded element';
                return;
            end if;
            case c[i]
                when '\' then i := i + 1;
                when '"' then quotes := not quotes;
                when '{' then depth := depth + case when quotes then 0 else 1 end;
                when '}' then depth := depth - case when quotes then 0 else 1 end;
                else null;
            end case;
            i := i + 1;
            exit when depth = 0;
        end loop;
        item := array_to_string(c[first:i - 1], '');
    else
        loop
            if i > n then
                why := 'unterminated element';
            elsif c[i] = any (specials) then
                why := format('malformed literal; must escape special character ''%s''', c[i]);
            end if;
            exit when why is not null or c[i] = any (stops);
            if c[i] = '\' then
                escaped := true;
                i := i + 1;
                if i > n then
                    why := 'unterminated element';
                    exit;
                end if;
                kept := length(item) + 1;
            elsif c[i] !~ '\s' then
                kept := length(item) + 1;
            end if;
            item := item || c[i];
            i := i + 1;
        end loop;
        item := left(item, kept);
        if item = '' then
            why := coalesce(why, 'malformed literal; missing element');
        elsif not escaped and upper(item) = 'NULL' then
            item := null;
        end if;
    end if;
end
$$;

-- A text as the array's text that PostgreSQL reads, by Materialize's rules for lists; elements that are lists themselves stay as
-- they are, for their type's input.
create function mz_internal.list_literal(value text, nested boolean, element oid) returns text language plpgsql immutable strict parallel safe
as $$
declare
    c text[] := string_to_array(value, null);
    n integer := coalesce(cardinality(c), 0);
    i integer := 2;
    found record;
    item text;
    items text[] := '{}';
    result text[] := '{}';
    why text;
begin
    -- Plain elements need nothing.
    if not nested and value ~ '^\{\s*(?:[^{}",\\\s][^{}",\\]*(?:,\s*[^{}",\\\s][^{}",\\]*)*)?\}\s*$' then
        return value;
    end if;
    <<parsing>>
    begin
        if n = 0 or c[1] <> '{' then
            why := format('expected ''{'', found %s', coalesce(c[1], 'empty string'));
            exit parsing;
        end if;
        loop
            while i <= n and c[i] ~ '\s' loop i := i + 1; end loop;
            if i <= n and c[i] = '}' then
                i := i + 1;
                exit;
            elsif cardinality(result) > 0 then
                if i > n then
                    why := 'unexpected end of input';
                elsif c[i] <> ',' then
                    why := format('expected '','' or ''}'', got ''%s''', c[i]);
                end if;
                exit parsing when why is not null;
                i := i + 1;
            end if;
            while i <= n and c[i] ~ '\s' loop i := i + 1; end loop;
            if c[i] = '{' and not nested then
                why := 'unescaped ''{'' at beginning of element; perhaps you want a nested list, e.g. ''{a}''::text list list';
                exit parsing;
            end if;
            found := mz_internal.literal_item(c, i, array['{', '"'], array[',', '}'], true);
            i := found.i;
            item := found.item;
            why := found.why;
            exit parsing when why is not null;
            if item is null then
                result := array_append(result, 'NULL');
                continue;
            end if;
            items := array_append(items, item);
            result := array_append(result, '"' || replace(replace(item, '\', '\\'), '"', '\"') || '"');
        end loop;
        while i <= n and c[i] ~ '\s' loop i := i + 1; end loop;
        if i <= n then
            why := format('malformed array literal; contains ''%s'' after terminal ''}''', c[i]);
        end if;
    end;
    if why is not null then
        -- What is wrong with an element before that place is said first.
        begin
            foreach item in array items loop
                execute format('select $1::%s', format_type(element, null)) using item;
            end loop;
        exception when data_exception or internal_error then
            why := sqlerrm;
        end;
        raise exception 'invalid input syntax for type list: %: "%"', why, value using errcode = 'XX000';
    end if;
    return '{' || array_to_string(result, ',') || '}';
end
$$;

-- An element in a list's text.
create function mz_internal.list_item(item text) returns text language sql immutable parallel safe
return case
    when item is null then 'NULL'
    when item = '' or item = 'NULL' or item ~ '[{}",\\\s]' then '"' || replace(replace(item, '\', '\\'), '"', '\"') || '"'
    else item
end;

create function mz_internal.raise_layer(layer bigint, layers integer) returns integer language plpgsql immutable parallel safe
as $$
begin
    raise exception 'invalid layer: %; must use value within [1, %]', layer, layers using errcode = 'XX000';
end
$$;
create function mz_internal.raise_dimensions(dimensions integer) returns integer language plpgsql immutable parallel safe
as $$
begin
    raise exception 'casting multi-dimensional array to list; got array with % dimensions not yet supported', dimensions using errcode = 'XX000';
end
$$;

create function mz_internal.one_layer(dimensions integer) returns boolean language plpgsql immutable parallel safe
as $$
begin
    if dimensions > 1 then
        raise exception 'invalid input syntax for type list: unescaped ''{'' at beginning of element; perhaps you want a nested list, e.g. ''{a}''::text list list' using errcode = 'XX000';
    end if;
    return true;
end
$$;

-- What stands after ANY and ALL, and what several subscripts follow, may be an array, too.
create function mz_internal.items(anyarray) returns anyarray language sql immutable parallel safe as 'select $1';
create function mz_internal.item(anyarray, bigint, bigint) returns anyelement language sql immutable parallel safe
as 'select $1[$2::integer][$3::integer]';
create function mz_internal.item(anyarray, bigint, bigint, bigint) returns anyelement language sql immutable parallel safe
as 'select $1[$2::integer][$3::integer][$4::integer]';
create function mz_internal.item(jsonb, bigint, bigint) returns jsonb language sql immutable parallel safe
as 'select $1[$2::integer][$3::integer]';
create function mz_internal.item(jsonb, bigint, bigint, bigint) returns jsonb language sql immutable parallel safe
as 'select $1[$2::integer][$3::integer][$4::integer]';

-- The list of integers is made by statements; the rows of the others are copies of its rows and of those of PostgreSQL's arrays.
create type mz_catalog.list_int4;
create function mz_internal.list_in_list_int4(cstring, oid, integer) returns mz_catalog.list_int4 language internal immutable strict parallel safe as 'array_in';
create function mz_internal.list_out(mz_catalog.list_int4) returns cstring language internal immutable strict parallel safe as 'array_out';
create function mz_internal.list_recv(internal, oid, integer) returns mz_catalog.list_int4 language internal immutable strict parallel safe as 'array_recv';
create function mz_internal.list_send(mz_catalog.list_int4) returns bytea language internal immutable strict parallel safe as 'array_send';
create type mz_catalog.list_int4 (
    input = mz_internal.list_in_list_int4, output = mz_internal.list_out, receive = mz_internal.list_recv, send = mz_internal.list_send,
    element = integer, subscript = raw_array_subscript_handler, alignment = int4, storage = extended
);
-- Under names of their own: PostgreSQL asks for more where it sees the functions of arrays.
create function mz_internal.list_cmp(mz_catalog.list_int4, mz_catalog.list_int4) returns integer language internal immutable strict parallel safe as 'btarraycmp';
create function mz_internal.list_hash(mz_catalog.list_int4) returns integer language internal immutable strict parallel safe as 'hash_array';
create function mz_internal.list_hash_extended(mz_catalog.list_int4, bigint) returns bigint language internal immutable strict parallel safe as 'hash_array_extended';
create operator family mz_catalog.list_ops using btree;
create operator family mz_catalog.list_ops using hash;
create aggregate mz_internal.list_of(anynonarray) (
    sfunc = array_agg_transfn, stype = internal, finalfunc = array_agg_finalfn, finalfunc_extra, parallel = safe
);

-- The functions of types of our own: begin_functions() makes the table own_functions, add_functions() makes what is in it and gives
-- those that an older version has made their present bodies. What returns void is a procedure: PostgreSQL refuses to call one in a
-- query while it reads that, and so do forms of functions not exist that it would find for these types.
create function mzlite.begin_functions() returns void language plpgsql as $$
begin
    create temporary table if not exists own_functions (
        schema text, name text, arguments oid[], returns oid, language text, body text, strict boolean, volatile "char", rows real
    );
    truncate own_functions;
end
$$;
create function mzlite.add_functions() returns void language plpgsql as $$
begin
    update pg_proc as p set
        prosrc = f.body, prorettype = f.returns, proisstrict = f.strict, provolatile = f.volatile, prosqlbody = null,
        prolang = (select l.oid from pg_language as l where l.lanname = f.language)
    from own_functions as f
    where p.proname = f.name and p.pronamespace = f.schema::regnamespace and p.proargtypes::text = array_to_string(f.arguments, ' ')
        and (p.prosrc, p.prorettype, p.proisstrict, p.provolatile) is distinct from (f.body, f.returns, f.strict, f.volatile);
    insert into pg_proc
    select r.*
    from own_functions as f
    inner join pg_proc as p on p.oid = 'mz_internal.list_send(mz_catalog.list_int4)'::regprocedure
    cross join lateral jsonb_populate_record(p, jsonb_build_object(
        'oid', pg_nextoid('pg_proc', 'oid', 'pg_proc_oid_index'), 'proname', f.name, 'pronamespace', f.schema::regnamespace::oid,
        'prokind', case f.returns when 'void'::regtype then 'p' else 'f' end,
        'prolang', (select l.oid from pg_language as l where l.lanname = f.language), 'prorows', f.rows, 'proretset', f.rows > 0,
        'proisstrict', f.strict, 'provolatile', f.volatile, 'pronargs', cardinality(f.arguments), 'prorettype', f.returns,
        'proargtypes', array_to_string(f.arguments, ' '), 'prosrc', f.body
    )) as r
    where not exists (
        select from pg_proc as o
        where o.proname = f.name and o.pronamespace = f.schema::regnamespace and o.proargtypes::text = array_to_string(f.arguments, ' ')
    );
end
$$;
-- The type of arrays of a type, which may be hidden.
create function mz_internal.array_type(element oid) returns oid language sql stable as
$$select a.oid from pg_catalog.pg_type as a where a.typelem = element and a.typsubscript = 'array_subscript_handler'::regproc$$;

-- Gives types of one representation, where they have none yet, the operators of comparison of the model, which has it, too, with
-- what indexes, sorting and hashing need, in an operator family of mz_catalog. Queries find those operators that are visible.
create function mzlite.add_comparisons(types oid[], model regtype, family text, visible text[]) returns void language plpgsql as $add$
begin
    types := array(
        select t.type from unnest(types) as t (type)
        where not exists (select from pg_operator as o where o.oprname = '=' and o.oprleft = t.type and o.oprright = t.type)
    );
    create temporary table if not exists comparisons (type oid, name text, operator oid, model oid);
    truncate comparisons;
    insert into comparisons
    select t.type, o.oprname::text, pg_nextoid('pg_operator', 'oid', 'pg_operator_oid_index'), o.oid
    from unnest(types) as t (type)
    inner join pg_operator as o on o.oprleft = model and o.oprright = model and o.oprname in ('=', '<>', '<', '<=', '>', '>=');
    insert into pg_operator
    select r.*
    from comparisons as o
    inner join pg_operator as m on m.oid = o.model
    inner join comparisons as c on c.type = o.type and c.model = m.oprcom
    inner join comparisons as n on n.type = o.type and n.model = m.oprnegate
    cross join lateral jsonb_populate_record(m, jsonb_build_object(
        'oid', o.operator, 'oprnamespace', case when o.name = any (visible) then 'mz_catalog' else 'mzlite_compare' end::regnamespace::oid,
        'oprleft', o.type, 'oprright', o.type, 'oprcom', c.operator, 'oprnegate', n.operator
    )) as r;
    insert into pg_opclass
    select r.*
    from pg_type as t
    inner join pg_opclass as c on c.opcintype = model and c.opcdefault
    inner join pg_am as a on a.oid = c.opcmethod and a.amname in ('btree', 'hash')
    inner join pg_opfamily as f on f.opfmethod = a.oid and f.opfname = family and f.opfnamespace = 'mz_catalog'::regnamespace
    cross join lateral jsonb_populate_record(c, jsonb_build_object(
        'oid', pg_nextoid('pg_opclass', 'oid', 'pg_opclass_oid_index'), 'opcname', t.typname, 'opcnamespace', 'mz_catalog'::regnamespace::oid,
        'opcfamily', f.oid, 'opcintype', t.oid
    )) as r
    where t.oid = any (types);
    insert into pg_amop
    select r.*
    from comparisons as o
    inner join pg_amop as m on m.amopopr = o.model
    inner join pg_opclass as c on c.opcintype = o.type and c.opcmethod = m.amopmethod
    cross join lateral jsonb_populate_record(m, jsonb_build_object(
        'oid', pg_nextoid('pg_amop', 'oid', 'pg_amop_oid_index'), 'amopfamily', c.opcfamily, 'amoplefttype', o.type, 'amoprighttype', o.type,
        'amopopr', o.operator
    )) as r;
    insert into pg_amproc
    select r.*
    from pg_opclass as c
    inner join pg_opclass as m on m.opcintype = model and m.opcdefault and m.opcmethod = c.opcmethod
    inner join pg_amproc as p on p.amprocfamily = m.opcfamily and p.amproclefttype = model
    -- Those of arrays under the names that lists have for them.
    left join pg_proc as o
        on o.pronamespace = 'mz_internal'::regnamespace
        and o.proname = case p.amproc::regproc::text when 'btarraycmp' then 'list_cmp' when 'hash_array' then 'list_hash' when 'hash_array_extended' then 'list_hash_extended' end
    cross join lateral jsonb_populate_record(p, jsonb_build_object(
        'oid', pg_nextoid('pg_amproc', 'oid', 'pg_amproc_oid_index'), 'amprocfamily', c.opcfamily, 'amproclefttype', c.opcintype,
        'amprocrighttype', c.opcintype, 'amproc', coalesce(o.oid, p.amproc)
    )) as r
    where c.opcintype = any (types);
end
$add$;

-- Makes the types of lists of the given types, with all that belongs to them, where they are not there yet.
create function mzlite.make_lists(elements regtype[]) returns void language plpgsql as $make$
begin
    create temporary table if not exists list_types (
        name text, type oid, items oid, element oid, item_array oid, inner_element oid, layers integer, shape text, spelling text
    );
    truncate list_types;
    insert into list_types
    select
        'list_' || n.base, coalesce(t.oid, pg_nextoid('pg_type', 'oid', 'pg_type_oid_index')),
        coalesce(nullif(t.typarray, 0), pg_nextoid('pg_type', 'oid', 'pg_type_oid_index')), e.oid, coalesce(nullif(e.typarray, 0), mz_internal.array_type(e.oid)),
        case when n.base like 'list\_%' then e.typelem end,
        1 + (length(n.base) - length(regexp_replace(n.base, '^(list_)+', ''))) / 5,
        case
            when n.base like 'list\_%' then 'list'
            when n.base like 'map\_%' then 'map'
            when n.base in ('text', 'varchar') then 'text'
            when n.base in ('int2', 'int4', 'int8', 'bool', 'uuid', 'date', 'time', 'timestamp', 'timestamptz', 'bytea', 'oid') then 'plain'
            when n.base = 'record' or e.typtype = 'c' then 'record'
            else 'computed'
        end,
        case when ns.nspname = 'mz_catalog' then 'mz_catalog.' || quote_ident(n.base) else format_type(e.oid, null) end
    from unnest(elements) as u (element)
    inner join pg_type as e on e.oid = u.element
    inner join pg_namespace as ns on ns.oid = e.typnamespace
    -- Types that users make may have one name.
    cross join lateral (values (case when ns.nspname in ('pg_catalog', 'mz_catalog') then e.typname::text else e.oid::text end)) as n (base)
    left join pg_type as t on t.typname = 'list_' || n.base and t.typnamespace = 'mz_catalog'::regnamespace;

    insert into pg_type
    select r.*
    from list_types as l inner join pg_type as e on e.oid = l.element inner join pg_type as p on p.oid = 'mz_catalog.list_int4'::regtype
    cross join lateral jsonb_populate_record(p, jsonb_build_object(
        'oid', l.type, 'typname', l.name, 'typelem', l.element, 'typarray', l.items, 'typcollation', e.typcollation,
        'typalign', case e.typalign when 'd' then 'd' else 'i' end, 'typinput', 'pg_catalog.array_in'
    )) as r
    where not exists (select from pg_type as t where t.oid = l.type);
    insert into pg_type
    select r.*
    from list_types as l inner join pg_type as e on e.oid = l.type inner join pg_type as p on p.oid = 'mz_catalog.list_int4[]'::regtype
    cross join lateral jsonb_populate_record(p, jsonb_build_object(
        'oid', l.items, 'typname', '_' || l.name, 'typelem', l.type, 'typcollation', e.typcollation, 'typalign', e.typalign
    )) as r
    where not exists (select from pg_type as t where t.oid = l.items);

    -- Functions. In templates L is the list's type, E that of its elements, A the array of these, M that of lists, I the elements of the elements.
    perform mzlite.begin_functions();
    insert into own_functions
    select
        f.schema, replace(f.name, '<L>', l.name),
        array(
            select case a.item when 'L' then l.type when 'E' then l.element when 'A' then l.item_array when 'M' then l.items else a.item::regtype::oid end
            from unnest(string_to_array(f.arguments, ' ')) with ordinality as a (item, n) order by a.n
        ),
        case f.returns when 'L' then l.type when 'E' then l.element when 'A' then l.item_array when 'I' then l.inner_element else f.returns::regtype::oid end,
        f.language,
        replace(replace(replace(replace(replace(replace(replace(f.body, '<spelling>', l.spelling), '(e.item #>> ''{}'')::jsonb', 'nullif(e.item, ''null'')'), '<base>', substr(l.name, 6)), '<L>', l.name), '<E>', l.element::text), '<layers>', l.layers::text), '<nested>', (l.shape = 'list')::text), f.strict, f.volatile::"char", f.rows
    from list_types as l
    inner join (values
        ('mz_internal', 'list_in_<L>', 'cstring oid integer', 'L', 'internal', 'array_in', true, 'i', 0, ''),
        ('mz_internal', 'items', 'L', 'A', 'internal', 'int8up', true, 'i', 0, ''),
        ('mz_internal', 'as_list', 'A', 'L', 'internal', 'int8up', true, 'i', 0, ''),
        ('mz_internal', 'list', 'A', 'L', 'sql',
            'select case when array_ndims($1) > 1 then mz_internal.as_list($1[1:mz_internal.raise_dimensions(array_ndims($1))]) else mz_internal.as_list($1) end', true, 'i', 0, ''),
        ('mz_internal', 'cast_to_<L>', 'text', 'L', 'plpgsql',
            'declare shown text := mz_internal.list_literal($1, <nested>, <E>); begin return mz_internal.list_in_<L>(textout(shown), <E>, -1); exception when data_exception or internal_error then raise exception ''invalid input syntax for type list: %: "%"'', sqlerrm, $1 using errcode = ''XX000''; end',
            true, 'i', 0, ''),
        -- The type's input. It takes what PostgreSQL gives: of arguments beyond its own a function in SQL would read the lengths anywhere.
        ('mz_internal', 'read_<L>', 'cstring oid integer', 'L', 'sql', 'select mz_internal.cast_to_<L>(textin($1))', true, 'i', 0, ''),
        ('mz_internal', 'as_text', 'L', 'text', 'sql', 'select textin(array_out(mz_internal.items($1)))', true, 'i', 0, 'plain record'),
        ('mz_internal', 'as_text', 'L', 'text', 'sql',
            'select regexp_replace(textin(array_out(mz_internal.items($1))), ''(?<=[{,])"(?!NULL)([Nn][Uu][Ll][Ll])"(?=[,}])'', ''\1'', ''g'')', true, 'i', 0, 'text'),
        ('mz_internal', 'as_text', 'L', 'text', 'sql',
            'select ''{'' || coalesce(string_agg(mz_internal.list_item(mz_internal.as_text(u.item)), '','' order by u.n), '''') || ''}'' from unnest(mz_internal.items($1)) with ordinality as u (item, n)', true, 'i', 0, 'computed'),
        ('mz_internal', 'as_text', 'L', 'text', 'sql',
            'select ''{'' || coalesce(string_agg(coalesce(mz_internal.as_text(u.item), ''NULL''), '','' order by u.n), '''') || ''}'' from unnest(mz_internal.items($1)) with ordinality as u (item, n)', true, 'i', 0, 'list map'),
        ('mz_internal', 'in_json', 'L', 'jsonb', 'sql', 'select pg_catalog.to_jsonb(mz_internal.in_json(mz_internal.items($1)))', true, 'i', 0, 'plain text'),
        ('mz_internal', 'in_json', 'L', 'jsonb', 'sql', 'select pg_catalog.to_jsonb(mz_internal.items($1))', true, 'i', 0, 'record'),
        ('mz_internal', 'in_json', 'L', 'jsonb', 'sql',
            'select coalesce(pg_catalog.jsonb_agg(mz_internal.in_json(u.item) order by u.n), ''[]'') from unnest(mz_internal.items($1)) with ordinality as u (item, n)', true, 'i', 0, 'computed list map'),
        ('mz_internal', 'of_json_<L>', 'jsonb', 'L', 'sql',
            'select case when jsonb_typeof($1) = ''array'' then mz_internal.as_list(array(select (e.item #>> ''{}'')::<spelling> from pg_catalog.jsonb_array_elements($1) with ordinality as e (item, n) order by e.n)) end', true, 'i', 0, 'plain text computed'),
        ('mz_internal', 'of_json_<L>', 'jsonb', 'L', 'sql',
            'select case when jsonb_typeof($1) = ''array'' then mz_internal.as_list(array(select mz_internal.of_json_<base>(e.item) from pg_catalog.jsonb_array_elements($1) with ordinality as e (item, n) order by e.n)) end', true, 'i', 0, 'list'),
        -- Their items have no array that a query could make: the list is read from one of texts.
        ('mz_internal', 'of_json_<L>', 'jsonb', 'L', 'sql',
            'select case when jsonb_typeof($1) = ''array'' then mz_internal.list_in_<L>(array_out(array(select mz_internal.map_text(nullif(e.item, ''null''), ''<base>'') from pg_catalog.jsonb_array_elements($1) with ordinality as e (item, n) order by e.n)), <E>, -1) end', true, 'i', 0, 'map'),
        ('mz_internal', 'list_json', 'L', 'json', 'sql', 'select pg_catalog.to_json(mz_internal.in_json($1))', true, 'i', 0, ''),
        ('mz_internal', 'item', 'L bigint bigint', 'I', 'sql', 'select ($1[$2::integer])[$3::integer]', false, 'i', 0, 'list'),
        ('mz_catalog', 'list_append', 'L E', 'L', 'sql', 'select mz_internal.as_list(pg_catalog.array_append(mz_internal.items($1), $2))', false, 'i', 0, 'plain record text computed list'),
        ('mz_catalog', 'list_prepend', 'E L', 'L', 'sql', 'select mz_internal.as_list(pg_catalog.array_prepend($1, mz_internal.items($2)))', false, 'i', 0, 'plain record text computed list'),
        ('mz_catalog', 'list_cat', 'L L', 'L', 'sql', 'select mz_internal.as_list(pg_catalog.array_cat(mz_internal.items($1), mz_internal.items($2)))', false, 'i', 0, 'plain record text computed list'),
        ('mz_catalog', 'list_remove', 'L E', 'L', 'sql', 'select mz_internal.as_list(pg_catalog.array_remove(mz_internal.items($1), $2))', false, 'i', 0, 'plain record text computed list'),
        -- There are no arrays of maps for polymorphic functions.
        ('mz_internal', 'append_item', 'A E', 'A', 'internal', 'array_append', false, 'i', 0, 'map'),
        ('mz_internal', 'prepend_item', 'E A', 'A', 'internal', 'array_prepend', false, 'i', 0, 'map'),
        ('mz_internal', 'cat_items', 'A A', 'A', 'internal', 'array_cat', false, 'i', 0, 'map'),
        ('mz_internal', 'remove_item', 'A E', 'A', 'internal', 'array_remove', false, 'i', 0, 'map'),
        ('mz_internal', 'list', 'E', 'L', 'sql', 'select mz_internal.as_list(mz_internal.append_item(null, $1))', false, 'i', 0, 'map'),
        ('mz_internal', 'list', 'L E', 'L', 'sql', 'select mz_catalog.list_append($1, $2)', false, 'i', 0, 'map'),
        ('mz_internal', 'list', 'E L', 'L', 'sql', 'select mz_catalog.list_prepend($1, $2)', false, 'i', 0, 'map'),
        ('mz_catalog', 'list_append', 'L E', 'L', 'sql', 'select mz_internal.as_list(mz_internal.append_item(mz_internal.items($1), $2))', false, 'i', 0, 'map'),
        ('mz_catalog', 'list_prepend', 'E L', 'L', 'sql', 'select mz_internal.as_list(mz_internal.prepend_item($1, mz_internal.items($2)))', false, 'i', 0, 'map'),
        ('mz_catalog', 'list_cat', 'L L', 'L', 'sql', 'select mz_internal.as_list(mz_internal.cat_items(mz_internal.items($1), mz_internal.items($2)))', false, 'i', 0, 'map'),
        ('mz_catalog', 'list_remove', 'L E', 'L', 'sql', 'select mz_internal.as_list(mz_internal.remove_item(mz_internal.items($1), $2))', false, 'i', 0, 'map'),
        ('mz_catalog', 'list_length', 'L', 'integer', 'internal', 'array_cardinality', true, 'i', 0, ''),
        ('mz_catalog', 'list_length_max', 'L bigint', 'integer', 'sql',
            'select case when $2 = 1 then mz_catalog.list_length($1) else mz_internal.raise_layer($2, <layers>) end', true, 'i', 0, 'plain record text computed map'),
        ('mz_catalog', 'list_length_max', 'L bigint', 'integer', 'sql',
            'select case when $2 = 1 then mz_catalog.list_length($1) when $2 between 2 and <layers> then (select max(mz_catalog.list_length_max(u.item, $2 - 1)) from unnest(mz_internal.items($1)) as u (item)) else mz_internal.raise_layer($2, <layers>) end', true, 'i', 0, 'list'),
        ('mz_catalog', 'list_n_layers', 'L', 'integer', 'sql', 'select <layers>', false, 'i', 0, ''),
        ('mz_internal', 'contains', 'L L', 'boolean', 'sql', 'select mz_internal.items($1) @> mz_internal.items($2)', false, 'i', 0, ''),
        ('mz_internal', 'contained', 'L L', 'boolean', 'sql', 'select mz_internal.items($1) <@ mz_internal.items($2)', false, 'i', 0, ''),
        ('mz_internal', 'no_operator', 'L text', 'text', 'plpgsql', 'begin raise exception ''operator does not exist: % || text'', mz_internal.pg_typeof(pg_typeof($1)) using errcode = ''XX000''; end', false, 'i', 0, 'plain record computed list map'),
        ('mz_internal', 'no_operator', 'text L', 'text', 'plpgsql', 'begin raise exception ''operator does not exist: text || %'', mz_internal.pg_typeof(pg_typeof($2)) using errcode = ''XX000''; end', false, 'i', 0, 'plain record computed list map'),
        ('mz_internal', 'joined', 'text E', 'text', 'sql', 'select $1 || $2::text', true, 'i', 0, 'plain record text computed'),
        ('mz_internal', 'joined', 'E text', 'text', 'sql', 'select $1::text || $2', true, 'i', 0, 'plain record text computed'),
        ('mz_catalog', 'unnest', 'L', 'E', 'internal', 'array_unnest', true, 'i', 10, ''),
        -- There are no arrays of lists.
        ('mz_catalog', 'array_agg', 'L', 'void', 'sql', '', false, 'v', 0, ''),
        ('mz_internal', 'plain_array', 'M', 'void', 'sql', '', false, 'v', 0, ''),
        ('mz_internal', 'array_of', 'L', 'void', 'sql', '', false, 'v', 0, ''),
        ('mz_catalog', 'array_fill', 'L integer[]', 'void', 'sql', '', false, 'v', 0, ''),
        ('mz_catalog', 'array_fill', 'L integer[] integer[]', 'void', 'sql', '', false, 'v', 0, '')
    ) as f (schema, name, arguments, returns, language, body, strict, volatile, rows, shapes)
        on (f.shapes = '' or l.shape = any (string_to_array(f.shapes, ' '))) and (f.name <> 'joined' or l.name <> 'list_text');
    insert into own_functions
    select 'mz_internal', 'item', array[l.type, 20, 20, 20], e.typelem, 'sql', 'select (($1[$2::integer])[$3::integer])[$4::integer]', false, 'i', 0
    from list_types as l inner join pg_type as e on e.oid = l.inner_element
    where l.layers > 2;

    -- Casts between lists, as between their elements.
    create temporary table if not exists list_casts (source oid, target oid, context "char", function text);
    truncate list_casts;
    insert into list_casts
    select distinct on (s.type, t.type)
        s.type, t.type,
        case
            when s.shape = 'list' and t.shape = 'list' then (select k.castcontext from pg_cast as k where (k.castsource, k.casttarget) = (s.element, t.element))
            else coalesce(c.castcontext, case when t.name = 'list_text' then 'a'::"char" else 'e' end)
        end,
        'as_' || t.name
    from (
        select l.name, l.type, l.element, l.shape from list_types as l
        union
        select t.typname::text, t.oid, t.typelem, case when e.typname like 'list\_%' then 'list' else '' end
        from pg_type as t inner join pg_type as e on e.oid = t.typelem
        where t.typname like 'list\_%' and t.typnamespace = 'mz_catalog'::regnamespace
    ) as s
    inner join list_types as t on t.type <> s.type and (s.shape = 'list') = (t.shape = 'list')
    left join pg_cast as c on c.castsource = s.element and c.casttarget = t.element
    where (c.oid is not null or ('text'::regtype in (s.element, t.element) and s.shape <> 'list' and 'record'::regtype not in (s.element, t.element)))
        and not exists (select from pg_cast as k where k.castsource = s.type and k.casttarget = t.type);
    insert into own_functions
    select 'mz_internal', c.function, array[c.source], c.target, 'sql', format('select mz_internal.as_list(mz_internal.items($1)::%s[])', t.spelling), true, 'i', 0
    from list_casts as c inner join list_types as t on t.type = c.target;

    perform mzlite.add_functions();

    -- A function in SQL reads the texts of lists: PostgreSQL refuses to make one that takes a cstring, but calls one that is there.
    update pg_type as t set typinput = p.oid
    from list_types as l
    inner join pg_proc as p on p.proname = 'read_' || l.name and p.pronamespace = 'mz_internal'::regnamespace and p.pronargs = 3
    where t.oid = l.type and t.typinput <> p.oid;

    -- list_agg.
    insert into pg_proc
    select r.*
    from list_types as l inner join pg_proc as p on p.oid = 'mz_internal.list_of(anynonarray)'::regprocedure
    cross join lateral jsonb_populate_record(p, jsonb_build_object(
        'oid', pg_nextoid('pg_proc', 'oid', 'pg_proc_oid_index'), 'proname', 'list_agg', 'pronamespace', 'mz_catalog'::regnamespace::oid,
        'prorettype', l.type, 'proargtypes', l.element::text
    )) as r
    where not exists (
        select from pg_proc as o where o.proname = 'list_agg' and o.pronamespace = 'mz_catalog'::regnamespace and o.proargtypes::text = l.element::text
    );
    insert into pg_aggregate
    select r.*
    from list_types as l
    inner join pg_proc as p on p.proname = 'list_agg' and p.pronamespace = 'mz_catalog'::regnamespace and p.proargtypes::text = l.element::text
    inner join pg_aggregate as g on g.aggfnoid = 'mz_internal.list_of(anynonarray)'::regprocedure
    cross join lateral jsonb_populate_record(g, jsonb_build_object('aggfnoid', p.oid)) as r
    where not exists (select from pg_aggregate as o where o.aggfnoid = p.oid);

    -- Operators. What a list contains is what the array does.
    insert into pg_operator
    select r.*
    from list_types as l
    inner join pg_proc as p
        on p.pronamespace = 'mz_internal'::regnamespace and p.proname in ('contains', 'contained') and p.proargtypes[0] = l.type
    inner join pg_operator as m on m.oid = '=(anyarray, anyarray)'::regoperator
    cross join lateral jsonb_populate_record(m, jsonb_build_object(
        'oid', pg_nextoid('pg_operator', 'oid', 'pg_operator_oid_index'), 'oprname', case p.proname when 'contains' then '@>' else '<@' end,
        'oprnamespace', 'mz_catalog'::regnamespace::oid, 'oprleft', l.type, 'oprright', l.type, 'oprcom', 0, 'oprnegate', 0, 'oprcode', p.oid,
        'oprrest', 0, 'oprjoin', 0, 'oprcanmerge', false, 'oprcanhash', false
    )) as r
    where not exists (select from pg_operator as o where o.oprname = '@>' and o.oprleft = l.type);
    insert into pg_operator
    select r.*
    from list_types as l
    inner join pg_proc as p
        on (p.pronamespace = 'mz_catalog'::regnamespace and p.prorettype = l.type and p.proname in ('list_append', 'list_prepend', 'list_cat'))
        -- PostgreSQL would join the texts of a list and of whatever else.
        or (p.pronamespace = 'mz_internal'::regnamespace and p.proname = 'no_operator' and l.type in (p.proargtypes[0], p.proargtypes[1]))
        -- A literal beside a number is a text and not a list of numbers, which PostgreSQL would prefer to a text and anything.
        or (p.pronamespace = 'mz_internal'::regnamespace and p.proname = 'joined' and l.element in (p.proargtypes[0], p.proargtypes[1]) and l.name <> 'list_text')
    inner join pg_operator as m on m.oid = '=(anyarray, anyarray)'::regoperator
    cross join lateral jsonb_populate_record(m, jsonb_build_object(
        'oid', pg_nextoid('pg_operator', 'oid', 'pg_operator_oid_index'), 'oprname', '||', 'oprnamespace', 'mz_catalog'::regnamespace::oid,
        'oprleft', p.proargtypes[0], 'oprright', p.proargtypes[1], 'oprresult', p.prorettype, 'oprcom', 0, 'oprnegate', 0, 'oprcode', p.oid,
        'oprrest', 0, 'oprjoin', 0, 'oprcanmerge', false, 'oprcanhash', false
    )) as r
    where not exists (
        select from pg_operator as o where o.oprname = '||' and (o.oprleft, o.oprright) = (p.proargtypes[0], p.proargtypes[1])
    );
    -- Queries have = only.
    perform mzlite.add_comparisons(array(select l.type from list_types as l), 'anyarray', 'list_ops', array['=']);

    insert into pg_cast
    select pg_nextoid('pg_cast', 'oid', 'pg_cast_oid_index'), v.source, v.target, p.oid, v.context, 'f'
    from (
        select c.source, c.target, c.context, c.function from list_casts as c
        union all
        select x.source, x.target, x.context::"char", x.function
        from list_types as l
        cross join lateral (values
            (l.type, 'text'::regtype::oid, 'a', 'as_text'), ('text'::regtype::oid, l.type, 'e', 'cast_to_' || l.name),
            (l.item_array, l.type, 'e', 'list'), (l.type, 'json'::regtype::oid, 'e', 'list_json')
        ) as x (source, target, context, function)
    ) as v
    inner join pg_proc as p
        on p.proname = v.function and p.pronamespace = 'mz_internal'::regnamespace and p.pronargs = 1 and p.proargtypes[0] = v.source and p.prorettype = v.target
    where not exists (select from pg_cast as k where k.castsource = v.source and k.casttarget = v.target);
end
$make$;

-- Takes the types of lists of a user's type away, with all that belongs to them, before that type goes.
create function mzlite.drop_lists(element oid) returns void language plpgsql as $drop$
declare
    list oid := (select t.oid from pg_type as t where t.typelem = element and t.typname ~ '^list_' and t.typnamespace = 'mz_catalog'::regnamespace);
begin
    if list is null then
        return;
    end if;
    perform mzlite.drop_lists(list);
    delete from pg_amop where amoplefttype = list;
    delete from pg_amproc where amproclefttype = list;
    delete from pg_opclass where opcintype = list;
    delete from pg_operator where oprnamespace in ('mz_catalog'::regnamespace, 'mzlite_compare'::regnamespace) and (oprleft in (list, element) or oprright in (list, element));
    delete from pg_cast where list in (castsource, casttarget);
    delete from pg_aggregate where aggfnoid in (select p.oid from pg_proc as p where p.prorettype = list);
    delete from pg_proc
    where pronamespace in ('mz_catalog'::regnamespace, 'mz_internal'::regnamespace)
        and (prorettype = list or exists (select from unnest(proargtypes) as a (type) where a.type in (list, element, mz_internal.array_type(list))));
    delete from pg_type where oid = list or typelem = list;
end
$drop$;

set local allow_system_table_mods = on;
select mzlite.make_lists(array(
    select t.oid::regtype from pg_type as t inner join pg_namespace as n on n.oid = t.typnamespace
    where t.typname in (
        'bool', 'int2', 'int4', 'int8', 'uint2', 'uint4', 'uint8', 'numeric', 'float4', 'float8', 'text', 'varchar', 'bytea', 'date', 'time',
        'timestamp', 'timestamptz', 'interval', 'uuid', 'jsonb', 'oid', 'mz_timestamp', 'record'
    ) and n.nspname in ('pg_catalog', 'mz_catalog')
));
select mzlite.make_lists(array(
    select t.oid::regtype from pg_type as t where t.typname ~ '^list_(?!list|record|map|[0-9])' and t.typnamespace = 'mz_catalog'::regnamespace
));
select mzlite.make_lists(array(
    select t.oid::regtype from pg_type as t
    where t.typname ~ '^list_list_(bool|int4|int8|numeric|float8|text)$' and t.typnamespace = 'mz_catalog'::regnamespace
));
