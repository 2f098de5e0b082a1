-- Casts of computed texts to moments and intervals. PostgreSQL reads more than Materialize does ('today', '1/8/1999', 'January 8, 1999', '10:00 PM'),
-- and a date that begins with one or two digits by another rule: the first number is the year. Literals are the dialect's.

create function mz_internal.moment_text(given text, kind text) returns text language plpgsql immutable strict parallel safe as $$
declare
    part text[];
begin
    if given ~ '^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?$' or given = 'epoch' then
        return given;
    end if;
    part := regexp_match(
        given,
        '^\s*(?:(\d{6}|\d{8})|(\d+)(-(?=\d+-)|[^\w:.+-]+(?=\d+(?:-|[^\w:.+-])))(\d+)(-|[^\w:.+-]+)(\d+))'
        '((?:[Tt]|[^\w:.+-])[^\w:.+-]*\d+:\d*(?::\d*(?:\.\d*)?)?\s*(?:[+-][\d: ]+)?)?'
        '(\s+[+-][\d: ]+)?\s*([Zz]|[A-Za-z][A-Za-z_]+[\w/+-]*)?\s*(?:BC|AD)?\s*$'
    );
    if part is null or length(part[6]) > 2 or part[9] ~* (
        '^(?:[ap]m|now|today|tomorrow|yesterday|allballs|infinity|at|on|dst'
        '|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?'
        '|(?:sun|mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?)(?:day)?)$'
    ) then
        raise exception using errcode = '22007', message = format('invalid input syntax for type %s: "%s"', kind, given);
    end if;
    return case when length(part[2]) < 4 then regexp_replace(given, '\d+', lpad(part[2], 4, '0')) else given end;
end
$$;

create function mz_internal.time_text(given text) returns text language plpgsql immutable strict parallel safe as $$
begin
    if given !~ '^\s*\d+:\d*(?::\d*(?:\.\d*)?|\.\d+)?\s*$' then
        raise exception using errcode = '22007', message = format('invalid input syntax for type time: "%s"', given);
    end if;
    return given;
end
$$;

create function mz_internal.interval_text(given text) returns text language plpgsql immutable strict parallel safe as $$
begin
    if regexp_replace(
        given,
        '(?:years?|yrs?|y|months?|mons?|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|milliseconds?|millisecon|mseconds?|msecs?|ms'
        '|microseconds?|useconds?|usecs?|us|decades?|decs?|century|centuries|cent|c|millenniums?|millennia|mils?)(?![a-z])',
        '', 'gi'
    ) ~* '[a-z]' then
        raise exception using errcode = '22007', message = format('invalid input syntax for type interval: "%s"', given);
    end if;
    return given;
end
$$;

create function mz_internal.as_date(text) returns date language sql immutable strict parallel safe
return date_in(textout(mz_internal.moment_text($1, 'date')));
create function mz_internal.as_timestamp(text) returns timestamp language sql immutable strict parallel safe
return timestamp_in(textout(mz_internal.moment_text($1, 'timestamp')), 0, -1);
create function mz_internal.as_timestamptz(text) returns timestamptz language sql immutable strict parallel safe
return timestamptz_in(textout(mz_internal.moment_text($1, 'timestamp with time zone')), 0, -1);
create function mz_internal.as_time(text) returns time language sql immutable strict parallel safe
return time_in(textout(mz_internal.time_text($1)), 0, -1);
create function mz_internal.as_interval(text) returns interval language sql immutable strict parallel safe
return interval_in(textout(mz_internal.interval_text($1)), 0, -1);

create function mz_catalog.date(text) returns date language sql immutable strict parallel safe return mz_internal.as_date($1);

create cast (text as interval) with function mz_internal.as_interval(text);
create cast (varchar as interval) with function mz_internal.as_interval(text);
create cast (text as date) with function mz_internal.as_date(text);
create cast (text as timestamp) with function mz_internal.as_timestamp(text);
create cast (text as timestamptz) with function mz_internal.as_timestamptz(text);
create cast (text as time) with function mz_internal.as_time(text);
create cast (varchar as date) with function mz_internal.as_date(text);
create cast (varchar as timestamp) with function mz_internal.as_timestamp(text);
create cast (varchar as timestamptz) with function mz_internal.as_timestamptz(text);
create cast (varchar as time) with function mz_internal.as_time(text);
