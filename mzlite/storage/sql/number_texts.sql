-- Casts of computed texts to numbers and UUIDs. PostgreSQL reads more than Materialize does ('0x1F', '1_000', infinite numerics, hyphens anywhere
-- in a UUID). Literals are the dialect's.

-- A text as the type's own input function may have it, without the characters that others have: what that refuses itself is left to it.
create function mz_internal.number_text(given text, kind text, others text) returns text language plpgsql immutable strict parallel safe cost 2 as $$
begin
    if given ~ others then
        raise exception using errcode = '22P02', message = format('invalid input syntax for type %s: "%s"', kind, given);
    end if;
    return given;
end
$$;

create function mz_internal.as_numeric(given text) returns numeric language plpgsql immutable strict parallel safe cost 2 as $$
declare
    value numeric;
begin
    if length(given) <= 39 and given !~ '[^0-9.+-]' then
        return numeric_in(textout(given), 0, -1);
    elsif given !~ '^\s*(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[nN][aA][nN])\s*$' then
        raise exception using errcode = '22P02', message = format('invalid input syntax for type numeric: "%s"', given);
    end if;
    begin
        value := numeric_in(textout(given), 0, -1);
        return case when scale(value) <= 19 and value between -1e20 and 1e20 then value else mz_internal.significant(value) end;
    exception when numeric_value_out_of_range then
        raise exception using errcode = 'XX000', message = format('"%s" is out of range for type numeric: exceeds maximum precision 39', given);
    end;
end
$$;

create function mz_internal.as_uuid(given text) returns uuid language plpgsql immutable strict parallel safe cost 2 as $$
declare
    digits text := given;
begin
    if given not like '________-____-____-____-____________' and length(given) <> 32 then
        digits := regexp_replace(btrim(given, E' \t\n\r\f\v'), '^(?:urn:uuid:(.{36})|\{(.{36})\})$', '\1\2');
        if digits not like '________-____-____-____-____________' and length(digits) <> 32 then
            raise exception using errcode = '22P02', message = format('invalid input syntax for type uuid: "%s"', given);
        end if;
    end if;
    return uuid_in(textout(digits));
end
$$;

do $do$
declare
    t record;
    source text;
begin
    for t in
        select * from (values
            ('int2', 'int2in(textout(mz_internal.number_text($1, ''smallint'', ''[_xXoObB]'')))'),
            ('int4', 'int4in(textout(mz_internal.number_text($1, ''integer'', ''[_xXoObB]'')))'),
            ('int8', 'int8in(textout(mz_internal.number_text($1, ''bigint'', ''[_xXoObB]'')))'),
            ('float4', 'float4in(textout(mz_internal.number_text($1, ''real'', ''[xX(]'')))'),
            ('float8', 'float8in(textout(mz_internal.number_text($1, ''double precision'', ''[xX(]'')))'),
            ('numeric', null),
            ('uuid', null)
        ) as v (type, read)
    loop
        if t.read is not null then
            execute format('create function mz_internal.as_%1$s(text) returns %1$s language sql immutable strict parallel safe return %2$s', t.type, t.read);
        end if;
        foreach source in array array['text', 'varchar'] loop
            execute format('create cast (%s as %s) with function mz_internal.as_%2$s(text)', source, t.type);
        end loop;
        execute format(
            'create function mz_internal.as_%1$s(bpchar) returns %1$s language sql immutable strict parallel safe return mz_internal.as_%1$s(pg_catalog.text($1))',
            t.type
        );
        execute format('create cast (bpchar as %1$s) with function mz_internal.as_%1$s(bpchar)', t.type);
    end loop;
end
$do$;
