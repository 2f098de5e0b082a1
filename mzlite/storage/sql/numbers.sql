-- Numbers as Materialize has them: a numeric has 39 significant digits and no trailing zeros, in text too; averages and
-- variances are quotients of sums.

-- Rounds to 39 significant digits and 39 decimals, half away from zero; raises for what is too large or too small for them.
create function mz_internal.significant(value numeric) returns numeric
language plpgsql immutable strict parallel safe
as $$
declare
    size numeric := abs(value);
    exponent integer;
begin
    if size = 0 or size = 'NaN' or size = 'Infinity' then
        return value;
    end if;
    exponent := case
        when size >= 1 then length(textin(numeric_out(trunc(size)))) - 1
        else length(ltrim(textin(numeric_out(size)), '0.')) - scale(size) - 1
    end;
    if exponent < -39 then
        raise exception 'value out of range: underflow' using errcode = 'numeric_value_out_of_range';
    end if;
    size := round(size, least(38 - exponent, 39));
    if size >= 1e39 then
        raise exception 'value out of range: overflow' using errcode = 'numeric_value_out_of_range';
    end if;
    return case when value < 0 then numeric_uminus(size) else size end;
end
$$;

-- The function of the operator / on numerics. A quotient that PostgreSQL has found exactly is the answer.
create function mz_internal.quotient(a numeric, b numeric) returns numeric
language plpgsql immutable strict parallel safe cost 10
as $$
declare
    q numeric := numeric_div(a, b);
begin
    if numeric_mul(q, b) = a then
        return case when scale(q) <= 19 and q between -1e20 and 1e20 then q else mz_internal.significant(q) end;
    end if;
    return mz_internal.significant(numeric_div(round(a, greatest(scale(a), least(46 + scale(q), 120))), b));
end
$$;

-- The functions of the operators +, - and * on numerics. The first test spares most results the second function.
do $do$
declare
    f record;
begin
    for f in
        select * from (values ('plus', 'numeric_add'), ('minus', 'numeric_sub'), ('times', 'numeric_mul')) as v (name, exact)
    loop
        execute format(
            'create function mz_internal.%s(a numeric, b numeric) returns numeric language plpgsql immutable strict parallel safe cost 2 '
            'as $f$declare r numeric := %s(a, b); begin '
            'if scale(r) <= 19 and r between -1e20 and 1e20 then return r; end if; return mz_internal.significant(r); end$f$',
            f.name, f.exact
        );
    end loop;
end
$do$;

-- Operators whose value differs keep their name and get another function: views, clients and the engine then agree.
-- What is parsed before that keeps the old function.

-- A difference of moments counts hours, not days. One cast to double precision is exact for 285 years.
create function mz_internal.difference(timestamp, timestamp) returns interval language sql immutable strict parallel safe
return make_interval(secs => (mz_internal.microseconds_of($1) - mz_internal.microseconds_of($2))::double precision / 1000000);
create function mz_internal.difference(timestamptz, timestamptz) returns interval language sql immutable strict parallel safe
return make_interval(secs => (mz_internal.microseconds_of($1) - mz_internal.microseconds_of($2))::double precision / 1000000);

set local allow_system_table_mods = on;
update pg_catalog.pg_operator as o set oprcode = v.function
from (values
    ('+(numeric, numeric)'::regoperator, 'mz_internal.plus(numeric, numeric)'::regprocedure),
    ('-(numeric, numeric)', 'mz_internal.minus(numeric, numeric)'),
    ('*(numeric, numeric)', 'mz_internal.times(numeric, numeric)'),
    ('/(numeric, numeric)', 'mz_internal.quotient(numeric, numeric)'),
    ('-(timestamp, timestamp)', 'mz_internal.difference(timestamp, timestamp)'),
    ('-(timestamptz, timestamptz)', 'mz_internal.difference(timestamptz, timestamptz)')
) as v (operator, function)
where o.oid = v.operator;

do $do$
declare
    f record;
begin
    for f in
        select * from (values
            ('sqrt', '', ''),
            ('exp', 'if value < -90 and value <> ''-Infinity'' then raise exception ''value out of range: underflow'' using errcode = ''numeric_value_out_of_range''; end if;', ''),
            ('ln', 'if value = 0 then raise exception ''function ln is not defined for zero'' using errcode = ''XX000''; end if; if value < 0 then raise exception ''function ln is not defined for negative numbers'' using errcode = ''XX000''; end if;', ''),
            ('log', 'if value = 0 then raise exception ''function log10 is not defined for zero'' using errcode = ''XX000''; end if; if value < 0 then raise exception ''function log10 is not defined for negative numbers'' using errcode = ''XX000''; end if;', ''),
            ('log10', 'if value = 0 then raise exception ''function log10 is not defined for zero'' using errcode = ''XX000''; end if; if value < 0 then raise exception ''function log10 is not defined for negative numbers'' using errcode = ''XX000''; end if;', '')
        ) as v (name, guard, rest)
    loop
        execute format(
            'create function mz_catalog.%1$s(value numeric) returns numeric language plpgsql immutable strict parallel safe as $f$begin %2$s return mz_internal.significant(pg_catalog.%1$s(round(value, greatest(scale(value), 46)))); end$f$',
            f.name, f.guard
        );
    end loop;
end
$do$;
-- Errors name the function, and a cube root is right to the last digit: one step of Newton.
create function mz_internal.log10(value double precision) returns double precision language plpgsql immutable strict parallel safe
as $$
begin
    if value = 0 then
        raise exception 'function log10 is not defined for zero' using errcode = 'XX000';
    elsif value < 0 then
        raise exception 'function log10 is not defined for negative numbers' using errcode = 'XX000';
    end if;
    return dlog10(value);
end
$$;
create function mz_catalog.log(double precision) returns double precision language sql immutable strict parallel safe
return mz_internal.log10($1);
create function mz_catalog.log10(double precision) returns double precision language sql immutable strict parallel safe
return mz_internal.log10($1);
create function mz_catalog.cbrt(value double precision) returns double precision language plpgsql immutable strict parallel safe
as $$
declare
    root double precision := dcbrt(value);
begin
    if value = 0 or abs(root) not between 1e-90 and 1e90 then
        return root;
    end if;
    return root - (root * root * root - value) / (3 * root * root);
end
$$;
create function mz_catalog.log(base numeric, value numeric) returns numeric language plpgsql immutable strict parallel safe
as $$
begin
    if least(base, value) < 0 then
        raise exception 'function log is not defined for negative numbers' using errcode = 'XX000';
    elsif least(base, value) = 0 then
        raise exception 'function log is not defined for zero' using errcode = 'XX000';
    end if;
    return mz_internal.significant(pg_catalog.log(round(base, greatest(scale(base), 46)), round(value, greatest(scale(value), 46))));
end
$$;
create function mz_catalog.power(base numeric, exponent numeric) returns numeric language plpgsql immutable strict parallel safe
as $$
declare
    result numeric := pg_catalog.power(round(base, greatest(scale(base), 46)), exponent);
begin
    if result = 0 and base <> 0 then
        raise exception 'value out of range: underflow' using errcode = 'numeric_value_out_of_range';
    end if;
    return mz_internal.significant(result);
end
$$;

-- Text -----------------------------------------------------------------------------------------------------------

-- A floating point number whose exponent lies between the two is written out.
create function mz_internal.float_text(shortest text, lowest integer, highest integer) returns text
language plpgsql immutable strict parallel safe
as $$
declare
    exponent integer;
begin
    if strpos(shortest, 'e') = 0 then
        return shortest;
    end if;
    exponent := split_part(shortest, 'e', 2)::integer;
    if exponent between lowest and highest then
        return textin(numeric_out(trim_scale(shortest::numeric)));
    end if;
    return split_part(shortest, 'e', 1) || 'e' || case when exponent < 0 then '' else '+' end || textin(int4out(exponent));
end
$$;
create function mz_internal.as_text(numeric) returns text language sql immutable strict parallel safe
return textin(numeric_out(trim_scale($1)));
create function mz_internal.as_text(double precision) returns text language sql immutable strict parallel safe
return mz_internal.float_text(textin(float8out($1)), -5, 15);
create function mz_internal.as_text(real) returns text language sql immutable strict parallel safe
return mz_internal.float_text(textin(float4out($1)), -6, 12);
create function mz_internal.as_text(value jsonb) returns text language plpgsql immutable strict parallel safe
as $$
declare
    spaced text := textin(jsonb_out(value));
begin
    if (strpos(spaced, ' ') = 0 and strpos(spaced, '.') = 0) or left(spaced, 1) = '"' then
        return spaced;
    end if;
    return mzlite.json_value(value);
end
$$;

-- PostgreSQL says "mons".
create function mz_internal.as_text(interval) returns text language sql immutable strict parallel safe
return replace(textin(interval_out($1)), 'mon', 'month');

do $do$
declare
    source text;
    target text;
begin
    foreach source in array array['numeric', 'double precision', 'real', 'jsonb', 'interval'] loop
        execute format('create cast (%s as text) with function mz_internal.as_text(%1$s) as assignment', source);
        foreach target in array array['varchar', 'bpchar'] loop
            execute format(
                'create function mz_internal.as_%2$s(%1$s) returns %2$s language sql immutable strict parallel safe return mz_internal.as_text($1)::%2$s',
                source, target
            );
            execute format('create cast (%1$s as %2$s) with function mz_internal.as_%2$s(%1$s) as assignment', source, target);
        end loop;
    end loop;
end
$do$;

-- The elements of an array read as they do alone.
create function mz_internal.as_text(numeric[]) returns text language sql immutable strict parallel safe
return regexp_replace(regexp_replace(textin(array_out($1)), '\.0+(?=[,}])', '', 'g'), '(\.[0-9]*[1-9])0+(?=[,}])', '\1', 'g');
create cast (numeric[] as text) with function mz_internal.as_text(numeric[]) as assignment;
create function mz_internal.as_text(interval[]) returns text language sql stable strict parallel safe
return replace(textin(array_out($1)), 'mon', 'month');
create cast (interval[] as text) with function mz_internal.as_text(interval[]) as assignment;

-- What concat() and concat_ws() make of their arguments. Polymorphic functions cannot have a parsed body.
create function mz_internal.as_text(text) returns text language sql immutable strict parallel safe return $1;
create function mz_internal.as_text(bpchar) returns text language sql immutable strict parallel safe return textin(bpcharout($1));
create function mz_internal.as_text(boolean) returns text language sql immutable strict parallel safe return textin(boolout($1));
-- Of the arrays that become numeric[] by themselves PostgreSQL would not know which is meant.
create function mz_internal.as_text(smallint[]) returns text language sql immutable strict parallel safe return textin(array_out($1));
create function mz_internal.as_text(integer[]) returns text language sql immutable strict parallel safe return textin(array_out($1));
create function mz_internal.as_text(bigint[]) returns text language sql immutable strict parallel safe return textin(array_out($1));
create function mz_internal.as_text(real[]) returns text language sql immutable strict parallel safe return textin(array_out($1));
create function mz_internal.as_text(double precision[]) returns text language sql immutable strict parallel safe return textin(array_out($1));
create function mz_internal.as_text(anyelement) returns text language sql immutable strict parallel safe as 'select $1::text';

-- What to_jsonb() and its relatives make of their arguments: a moment is written as in text.
create function mz_internal.in_json(anyarray) returns anyarray language sql immutable parallel safe as 'select $1';
create function mz_internal.in_json(record[]) returns jsonb language internal stable strict parallel safe as 'to_jsonb';
create function mz_internal.in_json(anyrange) returns anyrange language sql immutable parallel safe as 'select $1';
create function mz_internal.in_json(timestamp[]) returns text[] language sql stable strict parallel safe return $1::text[];
create function mz_internal.in_json(timestamptz[]) returns text[] language sql stable strict parallel safe return $1::text[];
create function mz_internal.in_json(interval[]) returns text[] language sql stable strict parallel safe return $1::text[];
-- A row's moments: where the JSON has a T the row's own text tells them from texts, which have it there, too.
create function mz_internal.in_json(value record) returns jsonb language plpgsql stable parallel safe
as $$
declare
    plain json := mz_internal.whole_keys(row_to_json(value));
begin
    if plain is null or plain::text !~ '"[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}' then
        return plain::jsonb;
    end if;
    return jsonb_concat(plain::jsonb, coalesce((
        select pg_catalog.jsonb_object_agg(m.key, f.parts[1])
        from json_each_text(plain) with ordinality as m (key, item, n)
        inner join regexp_matches(
            substr(textin(record_out(value)), 2, length(textin(record_out(value))) - 2) || ',', '(?:"((?:[^"]|"")*)"|[^,]*),', 'g'
        ) with ordinality as f (parts, n) on f.n = m.n
        where f.parts[1] ~ ' ' and m.item in (replace(f.parts[1], ' ', 'T'), replace(f.parts[1], ' ', 'T') || ':00')
    ), '{}'));
end
$$;
create function mz_internal.in_json(numeric) returns numeric language sql immutable strict parallel safe return trim_scale($1);
create function mz_internal.in_json(timestamp) returns text language sql stable strict parallel safe return textin(timestamp_out($1));
create function mz_internal.in_json(timestamptz) returns text language sql stable strict parallel safe return textin(timestamptz_out($1));
create function mz_internal.in_json(interval) returns text language sql immutable strict parallel safe return mz_internal.as_text($1);
create function mz_internal.in_json(mz_catalog.uint2) returns bigint language sql immutable strict parallel safe return $1::bigint;
create function mz_internal.in_json(mz_catalog.uint4) returns bigint language sql immutable strict parallel safe return $1::bigint;
create function mz_internal.in_json(mz_catalog.uint8) returns numeric language sql immutable strict parallel safe return $1::numeric;
create function mz_internal.in_json(mz_catalog.mz_timestamp) returns text language sql immutable strict parallel safe return $1::bigint::text;

-- Every type has a form of its own: between the others PostgreSQL could not choose.
do $do$
declare
    kind text;
begin
    foreach kind in array array[
        'smallint', 'integer', 'bigint', 'date', 'time', 'uuid', 'bytea', 'oid', 'varchar', 'name', 'timestamp', 'timestamptz',
        'mz_catalog.uint2', 'mz_catalog.uint4', 'mz_catalog.uint8', 'mz_catalog.mz_timestamp'
    ] loop
        execute format('create function mz_internal.as_text(%s) returns text language sql stable strict parallel safe return $1::text', kind);
    end loop;
    foreach kind in array array[
        'smallint', 'integer', 'bigint', 'real', 'double precision', 'boolean', 'text', 'varchar', 'bpchar', 'name', 'date', 'time',
        'uuid', 'bytea', 'oid', 'jsonb', '"char"', 'regclass', 'regtype', 'regproc'
    ] loop
        execute format('create function mz_internal.in_json(%1$s) returns %1$s language sql immutable parallel safe return $1', kind);
    end loop;
end
$do$;

-- Averages and variances, of sums that the dialect writes in their place ------------------------------------------

do $do$
declare
    source text;
begin
    foreach source in array array['smallint', 'integer', 'bigint', 'mz_catalog.uint2', 'mz_catalog.uint4', 'mz_catalog.uint8', 'numeric'] loop
        execute format('create function mz_unsafe.mz_avg_promotion(%s) returns numeric language sql immutable strict parallel safe return $1::numeric', source);
    end loop;
    foreach source in array array['real', 'double precision'] loop
        execute format('create function mz_unsafe.mz_avg_promotion(%1$s) returns %1$s language sql immutable strict parallel safe return $1', source);
    end loop;
end
$do$;

create function mz_internal.avg(total numeric, n bigint) returns numeric language sql immutable parallel safe
return total / nullif(n, 0)::numeric;
create function mz_internal.avg(total bigint, n bigint) returns numeric language sql immutable parallel safe
return total::numeric / nullif(n, 0)::numeric;
create function mz_internal.avg(total mz_catalog.uint8, n bigint) returns numeric language sql immutable parallel safe
return total::numeric / nullif(n, 0)::numeric;
create function mz_internal.avg(total double precision, n bigint) returns double precision language sql immutable parallel safe
return total / nullif(n, 0)::double precision;
create function mz_internal.avg(total real, n bigint) returns double precision language sql immutable parallel safe
return total::double precision / nullif(n, 0)::double precision;
create function mz_internal.avg(total interval, n bigint) returns interval language sql immutable parallel safe
return total / nullif(n, 0)::double precision;

do $do$
declare
    f record;
    kind text;
begin
    foreach kind in array array['numeric', 'double precision'] loop
        for f in
            select * from (values
                ('variance', 1, '%s'), ('var_samp', 1, '%s'), ('var_pop', 0, '%s'),
                ('stddev', 1, 'sqrt(%s)'), ('stddev_samp', 1, 'sqrt(%s)'), ('stddev_pop', 0, 'sqrt(%s)')
            ) as v (name, less, shape)
        loop
            execute format(
                'create function mz_internal.%I(squares %2$s, total %2$s, n bigint) returns %2$s language sql immutable parallel safe return case when n > %3$s then %4$s end',
                f.name, kind, f.less,
                format(
                    case when kind = 'numeric' then replace(f.shape, 'sqrt', 'mz_catalog.sqrt') else f.shape end,
                    format('greatest((squares - total * total / n::%1$s) / (n - %2$s)::%1$s, 0::%1$s)', kind, f.less)
                )
            );
        end loop;
    end loop;
end
$do$;

-- What PostgreSQL has for other numbers only.
create function mz_catalog.round(real) returns real language sql immutable strict parallel safe return pg_catalog.round($1::double precision)::real;
create function mz_catalog.ceil(real) returns real language sql immutable strict parallel safe return pg_catalog.ceil($1::double precision)::real;
create function mz_catalog.ceiling(real) returns real language sql immutable strict parallel safe return pg_catalog.ceil($1::double precision)::real;
create function mz_catalog.floor(real) returns real language sql immutable strict parallel safe return pg_catalog.floor($1::double precision)::real;
create function mz_catalog.trunc(real) returns real language sql immutable strict parallel safe return pg_catalog.trunc($1::double precision)::real;
create function mz_internal.remainder(a double precision, b double precision) returns double precision
language plpgsql immutable strict parallel safe
as $$
begin
    if b = 0 then
        raise division_by_zero using message = 'division by zero';
    end if;
    return a - b * trunc(a / b);
end
$$;
create operator mz_catalog.% (leftarg = double precision, rightarg = double precision, function = mz_internal.remainder);
create function mz_internal.remainder(a real, b real) returns real language sql immutable strict parallel safe
return mz_internal.remainder($1::double precision, $2::double precision)::real;
create operator mz_catalog.% (leftarg = real, rightarg = real, function = mz_internal.remainder);
create function mz_catalog.mod(mz_catalog.uint2, mz_catalog.uint2) returns mz_catalog.uint2 language sql immutable strict parallel safe return $1 operator(mz_catalog.%) $2;
create function mz_catalog.mod(mz_catalog.uint4, mz_catalog.uint4) returns mz_catalog.uint4 language sql immutable strict parallel safe return $1 operator(mz_catalog.%) $2;
create function mz_catalog.mod(mz_catalog.uint8, mz_catalog.uint8) returns mz_catalog.uint8 language sql immutable strict parallel safe return $1 operator(mz_catalog.%) $2;
-- What is no moment is null.
create function mz_catalog.make_timestamp(bigint, bigint, bigint, bigint, bigint, double precision) returns timestamp language plpgsql immutable strict parallel safe
as $$
declare
    seconds double precision := case when $6 > 0 and $6 <> 'NaN' then trunc($6) else 0 end;
    -- Cut off and not rounded, and of a binary fraction: 1.2 has 199999.
    micros double precision := case when $6 = 'NaN' then 0 else trunc(greatest(($6 - seconds) * 1000000, 0)) end;
begin
    if $4 > 23 or seconds > 59 then
        return null;
    end if;
    return pg_catalog.make_timestamp($1::integer, $2::integer, $3::integer, $4::integer, $5::integer, 0)
        + seconds * interval '1 second' + micros * interval '1 microsecond';
exception when datetime_field_overflow or numeric_value_out_of_range then
    return null;
end
$$;
create function mz_catalog.make_timestamp(integer, integer, integer, integer, integer, double precision) returns timestamp language sql immutable strict parallel safe
return mz_catalog.make_timestamp($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6);
-- In pg_catalog, where AT TIME ZONE looks for them.
create function pg_catalog.timezone(zone text, moment time) returns time language sql stable strict parallel safe
return moment + ((current_timestamp at time zone zone) - (current_timestamp at time zone 'UTC'));
create function pg_catalog.timezone(zone interval, moment time) returns time language sql immutable parallel safe
return case
    when extract(year from zone) <> 0 or extract(month from zone) <> 0
        then mz_internal.raise_error('timezone interval must not contain months or years', zone)::time
    else moment + zone
end;

-- Bool and bigint are cast to one another; both 32- and 64-bit unsigned integers count as moments.
create function mz_internal.as_bigint(boolean) returns bigint language sql immutable strict parallel safe return case when $1 then 1 else 0 end;
create cast (boolean as bigint) with function mz_internal.as_bigint(boolean);
create function mz_internal.as_boolean(bigint) returns boolean language sql immutable strict parallel safe return $1 <> 0;
create cast (bigint as boolean) with function mz_internal.as_boolean(bigint);
create function mz_catalog.mz_timestamp(mz_catalog.uint4) returns mz_catalog.mz_timestamp language sql immutable strict parallel safe return $1::bigint::mz_catalog.mz_timestamp;
create function mz_catalog.mz_timestamp(mz_catalog.uint8) returns mz_catalog.mz_timestamp language sql immutable strict parallel safe return $1::bigint::mz_catalog.mz_timestamp;
create cast (mz_catalog.uint4 as mz_catalog.mz_timestamp) with function mz_catalog.mz_timestamp(mz_catalog.uint4) as implicit;
create cast (mz_catalog.uint8 as mz_catalog.mz_timestamp) with function mz_catalog.mz_timestamp(mz_catalog.uint8) as implicit;

-- jsonb_pretty indents by two and orders keys by their bytes.
create function mz_internal.pretty(value jsonb, margin text) returns text language plpgsql immutable strict parallel safe
as $$
begin
    if jsonb_typeof(value) = 'object' and value <> '{}' then
        return '{' || (
            select string_agg(chr(10) || margin || '  ' || to_json(m.key)::text || ': ' || mz_internal.pretty(m.value, margin || '  '), ',' order by m.key collate "C")
            from jsonb_each(value) as m
        ) || chr(10) || margin || '}';
    elsif jsonb_typeof(value) = 'array' and value <> '[]' then
        return '[' || (
            select string_agg(chr(10) || margin || '  ' || mz_internal.pretty(l.element, margin || '  '), ',' order by l.number)
            from jsonb_array_elements(value) with ordinality as l (element, number)
        ) || chr(10) || margin || ']';
    end if;
    return value::text;
end
$$;
create function mz_catalog.jsonb_pretty(jsonb) returns text language sql immutable strict parallel safe return mz_internal.pretty($1, '');
