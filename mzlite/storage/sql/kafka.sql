-- Types of columns that only Kafka sources have.
-- INCLUDE HEADERS gives an array of these (Materialize: a list of records).
create type mz_catalog.kafka_header as (key text, value bytea);
-- VALUE DECODING ERRORS = (INLINE) gives one of these (Materialize: a record).
create type mz_catalog.kafka_decode_error as (description text);

-- How a sink writes values as JSON, where PostgreSQL's own to_json writes something else.
-- A number always shows that it is a fraction (1.0), and has an exponent below 1e-5 and from 1e16 on.
create function mzlite.json_float_text(shortest text) returns text language plpgsql immutable strict parallel safe as $$
declare
    exponent integer;
begin
    if shortest in ('NaN', 'Infinity', '-Infinity') then
        return 'null';
    end if;
    if position('e' in shortest) = 0 then
        return case when position('.' in shortest) = 0 then shortest || '.0' else shortest end;
    end if;
    exponent := split_part(shortest, 'e', 2)::integer;
    if exponent between -5 and -1 then
        return trim_scale(shortest::numeric)::text;
    elsif exponent between 0 and 15 then
        return shortest::numeric::text || case when position('.' in shortest::numeric::text) = 0 then '.0' else '' end;
    end if;
    return split_part(shortest, 'e', 1) || 'e' || exponent;
end
$$;
create function mzlite.json_float(value double precision) returns text language sql immutable strict parallel safe
return mzlite.json_float_text(value::text);
create function mzlite.json_float(value real) returns text language sql immutable strict parallel safe
return mzlite.json_float_text(value::text);

-- Three or six decimals, or none.
create function mzlite.json_time(value time) returns text language sql immutable strict parallel safe
return '"' || case
    when extract(microseconds from value)::bigint % 1000000 = 0 then to_char(value, 'HH24:MI:SS')
    when extract(microseconds from value)::bigint % 1000 = 0 then to_char(value, 'HH24:MI:SS.MS')
    else to_char(value, 'HH24:MI:SS.US')
end || '"';

create function mzlite.json_bytes(value bytea) returns text language sql immutable strict parallel safe
return '[' || coalesce((select string_agg(get_byte(value, i)::text, ',' order by i) from generate_series(0, length(value) - 1) as i), '') || ']';

-- jsonb without spaces, the members of an object in the order of their names.
create function mzlite.json_value(value jsonb) returns text language plpgsql immutable strict parallel safe as $$
begin
    case jsonb_typeof(value)
        when 'object' then
            return (
                select '{' || coalesce(string_agg(to_json(member.key)::text || ':' || mzlite.json_value(member.value), ',' order by member.key collate "C"), '') || '}'
                from jsonb_each(value) as member
            );
        when 'array' then
            return (
                select '[' || coalesce(string_agg(mzlite.json_value(list.element), ',' order by list.number), '') || ']'
                from jsonb_array_elements(value) with ordinality as list (element, number)
            );
        when 'number' then
            return trim_scale(value::numeric)::text;
        else
            return textin(jsonb_out(value));
    end case;
end
$$;
