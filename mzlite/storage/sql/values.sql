-- Operators, aggregates and functions of PostgreSQL's that give another value, or another error, in corner cases.

-- The least and the greatest of booleans, which PostgreSQL does not compare in aggregates.
create aggregate pg_catalog.max(boolean) (sfunc = boolor_statefunc, stype = boolean, combinefunc = boolor_statefunc, sortop = >, parallel = safe);
create aggregate pg_catalog.min(boolean) (sfunc = booland_statefunc, stype = boolean, combinefunc = booland_statefunc, sortop = <, parallel = safe);

-- jsonb: what can neither be joined nor have anything taken away is null. Not strict, so that PostgreSQL can put the body in place
-- of the call.
create function mz_internal.jsonb_joined(a jsonb, b jsonb) returns jsonb language sql immutable parallel safe
return case
    when jsonb_typeof(a) = 'array' or jsonb_typeof(b) = 'array' or (jsonb_typeof(a) = 'object' and jsonb_typeof(b) = 'object')
        then jsonb_concat(a, b)
end;
create function mz_internal.jsonb_without(value jsonb, key text) returns jsonb language sql immutable parallel safe
return case when jsonb_typeof(value) in ('array', 'object') then jsonb_delete(value, key) end;
create function mz_internal.jsonb_without(value jsonb, place integer) returns jsonb language sql immutable parallel safe
return case when jsonb_typeof(value) = 'array' then jsonb_delete(value, place) end;
create function mz_internal.jsonb_without(value jsonb, place bigint) returns jsonb language sql immutable parallel safe
return case
    when place not between -2147483647 and 2147483647 then case when jsonb_typeof(value) = 'array' then value end
    else mz_internal.jsonb_without(value, place::integer)
end;
create function mz_internal.jsonb_without(value jsonb, place smallint) returns jsonb language sql immutable parallel safe
return mz_internal.jsonb_without(value, place::integer);

-- Elements are counted by bigints too.
create function mz_internal.jsonb_element(value jsonb, place bigint) returns jsonb language sql immutable parallel safe
return case when place between -2147483647 and 2147483647 then jsonb_array_element(value, place::integer) end;
create function mz_internal.jsonb_element(value jsonb, place smallint) returns jsonb language sql immutable parallel safe
return jsonb_array_element(value, place::integer);
create function mz_internal.jsonb_element_text(value jsonb, place bigint) returns text language sql immutable parallel safe
return case when place between -2147483647 and 2147483647 then jsonb_array_element_text(value, place::integer) end;
create function mz_internal.jsonb_element_text(value jsonb, place smallint) returns text language sql immutable parallel safe
return jsonb_array_element_text(value, place::integer);
create function mz_internal.jsonb_without(value jsonb, place mz_catalog.uint2) returns jsonb language sql immutable parallel safe
return mz_internal.jsonb_without(value, place::integer);
create function mz_internal.jsonb_element(value jsonb, place mz_catalog.uint2) returns jsonb language sql immutable parallel safe
return jsonb_array_element(value, place::integer);
create function mz_internal.jsonb_element_text(value jsonb, place mz_catalog.uint2) returns text language sql immutable parallel safe
return jsonb_array_element_text(value, place::integer);
create operator mz_catalog.-> (leftarg = jsonb, rightarg = bigint, function = mz_internal.jsonb_element);
create operator mz_catalog.-> (leftarg = jsonb, rightarg = smallint, function = mz_internal.jsonb_element);
create operator mz_catalog.->> (leftarg = jsonb, rightarg = bigint, function = mz_internal.jsonb_element_text);
create operator mz_catalog.->> (leftarg = jsonb, rightarg = smallint, function = mz_internal.jsonb_element_text);
create operator mz_catalog.- (leftarg = jsonb, rightarg = bigint, function = mz_internal.jsonb_without);
create operator mz_catalog.- (leftarg = jsonb, rightarg = smallint, function = mz_internal.jsonb_without);

create operator mz_catalog.-> (leftarg = jsonb, rightarg = mz_catalog.uint2, function = mz_internal.jsonb_element);
create operator mz_catalog.->> (leftarg = jsonb, rightarg = mz_catalog.uint2, function = mz_internal.jsonb_element_text);
create operator mz_catalog.- (leftarg = jsonb, rightarg = mz_catalog.uint2, function = mz_internal.jsonb_without);

-- Between the forms that take a text and anything PostgreSQL could not choose.
create function mz_internal.joined(varchar, varchar) returns text language internal immutable strict parallel safe as 'textcat';
create function mz_internal.joined("char", text) returns text language sql immutable strict parallel safe return textcat($1::text, $2);
create function mz_internal.joined(text, "char") returns text language sql immutable strict parallel safe return textcat($1, $2::text);
create operator mz_catalog.|| (leftarg = varchar, rightarg = varchar, function = mz_internal.joined);
create operator mz_catalog.|| (leftarg = "char", rightarg = text, function = mz_internal.joined);
create operator mz_catalog.|| (leftarg = text, rightarg = "char", function = mz_internal.joined);

set local allow_system_table_mods = on;
update pg_catalog.pg_operator set oprcode = 'mz_internal.jsonb_joined(jsonb, jsonb)'::regprocedure
where oid = '||(jsonb, jsonb)'::regoperator;
update pg_catalog.pg_operator set oprcode = 'mz_internal.jsonb_without(jsonb, text)'::regprocedure
where oid = '-(jsonb, text)'::regoperator;
update pg_catalog.pg_operator set oprcode = 'mz_internal.jsonb_without(jsonb, integer)'::regprocedure
where oid = '-(jsonb, integer)'::regoperator;

-- Functions of angles name themselves in errors.
do $do$
declare
    name text;
begin
    foreach name in array array['sin', 'cos', 'tan', 'cot'] loop
        execute format(
            'create function mz_catalog.%1$s(value double precision) returns double precision language plpgsql immutable strict parallel safe as $f$begin if value in (''Infinity'', ''-Infinity'') then raise exception ''function %1$s is only defined for finite arguments'' using errcode = ''XX000''; end if; return pg_catalog.%1$s(value); end$f$',
            name
        );
    end loop;
    foreach name in array array['asin', 'acos'] loop
        execute format(
            'create function mz_catalog.%1$s(value double precision) returns double precision language plpgsql immutable strict parallel safe as $f$begin if value < -1 or (value > 1 and value <> ''NaN'') then raise exception ''function %1$s is defined for numbers between -1 and 1 inclusive'' using errcode = ''XX000''; end if; return pg_catalog.%1$s(value); end$f$',
            name
        );
    end loop;
end
$do$;
create function mz_catalog.acosh(value double precision) returns double precision language plpgsql immutable strict parallel safe
as $$
begin
    if value < 1 then
        raise exception 'function acosh is defined for numbers greater than or equal to 1' using errcode = 'XX000';
    end if;
    return pg_catalog.acosh(value);
end
$$;
create function mz_catalog.atanh(value double precision) returns double precision language plpgsql immutable strict parallel safe
as $$
begin
    if value < -1 or (value > 1 and value <> 'NaN') then
        raise exception 'function atanh is defined for numbers between -1 and 1 inclusive' using errcode = 'XX000';
    end if;
    return pg_catalog.atanh(value);
end
$$;

-- The complement of an unsigned integer is unsigned.
create function mz_internal.complement(mz_catalog.uint2) returns mz_catalog.uint2 language sql immutable strict parallel safe
return (65535 - $1::integer)::mz_catalog.uint2;
create function mz_internal.complement(mz_catalog.uint4) returns mz_catalog.uint4 language sql immutable strict parallel safe
return (4294967295 - $1::bigint)::mz_catalog.uint4;
create operator mz_catalog.~ (rightarg = mz_catalog.uint2, function = mz_internal.complement);
create operator mz_catalog.~ (rightarg = mz_catalog.uint4, function = mz_internal.complement);
create function mz_internal.complement(mz_catalog.uint8) returns mz_catalog.uint8 language sql immutable strict parallel safe
return mz_internal.as_uint8(~mz_internal.bits($1));
create operator mz_catalog.~ (rightarg = mz_catalog.uint8, function = mz_internal.complement);
do $do$
declare
    op record;
    kind text;
begin
    for op in
        select * from (values ('&', 'both'), ('|', 'either'), ('#', 'one')) as v (symbol, name)
    loop
        foreach kind in array array['uint2', 'uint4', 'uint8'] loop
            execute format(
                'create function mz_internal.bits_of_%2$s(mz_catalog.%3$s, mz_catalog.%3$s) returns mz_catalog.%3$s language sql immutable strict parallel safe '
                'return mz_internal.as_%3$s(%4$s %1$s %5$s)',
                op.symbol, op.name, kind,
                case kind when 'uint2' then '$1::integer' when 'uint4' then '$1::bigint' else 'mz_internal.bits($1)' end,
                case kind when 'uint2' then '$2::integer' when 'uint4' then '$2::bigint' else 'mz_internal.bits($2)' end
            );
            execute format(
                'create operator mz_catalog.%s (leftarg = mz_catalog.%s, rightarg = mz_catalog.%s, function = mz_internal.bits_of_%s)',
                op.symbol, kind, kind, op.name
            );
        end loop;
    end loop;
    -- A shift by as many places as the type has bits, or more, leaves nothing but what a shift by the rest leaves.
    for op in
        select * from (values
            ('uint2', '<<', 'left', '(($1::integer << ($2::bigint & 31)::integer) & 65535)', 'case when ($2::bigint & 31) > 15 then 0 else %s end'),
            ('uint2', '>>', 'right', '($1::integer >> ($2::bigint & 31)::integer)', '%s'),
            ('uint4', '<<', 'left', '(($1::bigint << ($2::bigint & 31)::integer) & 4294967295)', '%s'),
            ('uint4', '>>', 'right', '($1::bigint >> ($2::bigint & 31)::integer)', '%s'),
            ('uint8', '<<', 'left', '(mz_internal.bits($1) << ($2::bigint & 63)::integer)', '%s'),
            ('uint8', '>>', 'right', '((mz_internal.bits($1) >> ($2::bigint & 63)::integer) & case when ($2::bigint & 63) = 0 then -1 else 9223372036854775807 >> (($2::bigint & 63)::integer - 1) end)', '%s')
        ) as v (kind, symbol, name, shifted, rest)
    loop
        execute format(
            'create function mz_internal.shifted_%1$s(mz_catalog.%2$s, mz_catalog.uint4) returns mz_catalog.%2$s language sql immutable parallel safe return mz_internal.as_%2$s(%3$s)',
            op.name, op.kind, format(op.rest, op.shifted)
        );
        execute format(
            'create operator mz_catalog.%1$s (leftarg = mz_catalog.%2$s, rightarg = mz_catalog.uint4, function = mz_internal.shifted_%3$s)',
            op.symbol, op.kind, op.name
        );
    end loop;
end
$do$;

-- A length below zero is an error, which takes the length: one without arguments would be raised when PostgreSQL plans. Not strict, so that PostgreSQL can put the body in place of the call.
create function mz_internal.raise_length(size bigint) returns text
language plpgsql immutable strict parallel safe
as $$
begin
    if size < 0 then
        raise exception 'length must be nonnegative' using errcode = 'invalid_parameter_value';
    end if;
    raise exception 'requested length too large' using errcode = 'program_limit_exceeded';
end
$$;
-- A text that is made longer has 100 MiB at most.
create function mz_catalog.lpad(value text, size integer) returns text language sql immutable parallel safe
return case when size between 0 and 104857600 then pg_catalog.lpad(value, size) when value is not null then mz_internal.raise_length(size) end;
create function mz_catalog.lpad(value text, size integer, fill text) returns text language sql immutable parallel safe
return case when size between 0 and 104857600 then pg_catalog.lpad(value, size, fill) when value is not null and fill is not null then mz_internal.raise_length(size) end;
create function mz_catalog.repeat(value text, times integer) returns text language sql immutable parallel safe
return case
    when octet_length(value)::bigint * times > 104857600 then mz_internal.raise_length(octet_length(value)::bigint * times)
    else pg_catalog.repeat(value, times)
end;

-- A constant that PostgreSQL does not know before a row is computed.
create function mz_internal.when_computed(integer) returns integer language internal stable strict parallel safe as 'int8up';
create function mz_internal.when_computed(numeric) returns numeric language internal stable strict parallel safe as 'int8up';

-- In the place of a pattern of LIKE that ends with its escape character.
create function mz_internal.unterminated_like() returns text language plpgsql volatile parallel safe
as $$
begin
    raise exception 'unterminated escape sequence in LIKE' using errcode = 'XX000';
end
$$;

-- A text beside jsonb is JSON.
create function mz_internal.jsonb_contains(jsonb, text) returns boolean language sql immutable parallel safe return $1 @> $2::jsonb;
create function mz_internal.jsonb_contains(text, jsonb) returns boolean language sql immutable parallel safe return $1::jsonb @> $2;
create function mz_internal.jsonb_contained(jsonb, text) returns boolean language sql immutable parallel safe return $1 <@ $2::jsonb;
create function mz_internal.jsonb_contained(text, jsonb) returns boolean language sql immutable parallel safe return $1::jsonb <@ $2;
create operator mz_catalog.@> (leftarg = jsonb, rightarg = text, function = mz_internal.jsonb_contains);
create operator mz_catalog.@> (leftarg = text, rightarg = jsonb, function = mz_internal.jsonb_contains);
create operator mz_catalog.<@ (leftarg = jsonb, rightarg = text, function = mz_internal.jsonb_contained);
create operator mz_catalog.<@ (leftarg = text, rightarg = jsonb, function = mz_internal.jsonb_contained);

-- Before its origin a moment at the edge of a bin is in the bin before. Here and below not strict, so that PostgreSQL can put the
-- body in place of the call.
create function mz_catalog.date_bin(stride interval, source timestamp, origin timestamp) returns timestamp language sql immutable parallel safe
return pg_catalog.date_bin(stride, case when origin > source then source - interval '1 microsecond' else source end, origin);
create function mz_catalog.date_bin(stride interval, source timestamptz, origin timestamptz) returns timestamptz language sql immutable parallel safe
return pg_catalog.date_bin(
    stride, case when origin > source then (source at time zone 'UTC' - interval '1 microsecond') at time zone 'UTC' else source end, origin
);

-- No moment is infinite.
create function mz_internal.no_moment(double precision) returns timestamptz language plpgsql immutable strict parallel safe
as $$ begin raise exception 'timestamp out of range' using errcode = 'XX000'; end $$;
create function mz_catalog.to_timestamp(seconds double precision) returns timestamptz language sql immutable parallel safe
return case when abs(seconds) = 'Infinity' then mz_internal.no_moment(seconds) else pg_catalog.to_timestamp(seconds) end;

-- What is put where nothing is looked for stands around each character.
create function mz_internal.replace_nothing(value text, put text) returns text language sql immutable strict parallel safe
begin atomic
select put || coalesce(string_agg(c.item || put, '' order by c.n), '') from unnest(string_to_array(value, null)) with ordinality as c (item, n);
end;
create function mz_catalog.replace(value text, sought text, put text) returns text language sql immutable parallel safe
return case when sought = '' then mz_internal.replace_nothing(value, put) else pg_catalog.replace(value, sought, put) end;

-- There is one encoding.
create function mz_internal.no_encoding(name text) returns text language plpgsql immutable strict parallel safe
as $$ begin raise exception 'invalid encoding name ''%''', replace(lower(name), '_', '-') using errcode = 'XX000'; end $$;
create function mz_catalog.convert_from(value bytea, encoding text) returns text language sql immutable parallel safe
return case
    when pg_catalog.replace(lower(encoding), '_', '-') in ('utf-8', 'utf8', 'unicode-1-1-utf-8') then pg_catalog.convert_from(value, 'UTF8')
    else mz_internal.no_encoding(encoding)
end;
create function mz_catalog.pg_encoding_to_char(encoding integer) returns name language sql immutable parallel safe
return case when encoding = 6 then 'UTF8'::name end;
create function mz_catalog.pg_encoding_to_char(encoding bigint) returns name language sql immutable parallel safe
return case when encoding = 6 then 'UTF8'::name end;

-- Dimensions are counted by bigints, the bits of bytes by integers.
do $do$
declare
    name text;
begin
    foreach name in array array['array_length', 'array_lower', 'array_upper'] loop
        execute format(
            'create function mz_catalog.%1$s(anyarray, bigint) returns integer language sql immutable parallel safe as '
            '''select case when $2 between 1 and 6 then pg_catalog.%1$s($1, $2::integer) end''',
            name
        );
    end loop;
end
$do$;
create function mz_catalog.get_bit(bytea, integer) returns integer language internal immutable strict parallel safe as 'byteaGetBit';
