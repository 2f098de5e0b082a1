-- Types that PostgreSQL lacks, as base types over the representation of an integer type of its own.
-- mz_timestamp: milliseconds since 1970, stored as a bigint.

create type mz_catalog.mz_timestamp;
create function mz_catalog.mz_timestamp_in(cstring) returns mz_catalog.mz_timestamp language internal immutable strict parallel safe as 'int8in';
create function mz_catalog.mz_timestamp_out(mz_catalog.mz_timestamp) returns cstring language internal immutable strict parallel safe as 'int8out';
create function mz_catalog.mz_timestamp_recv(internal) returns mz_catalog.mz_timestamp language internal immutable strict parallel safe as 'int8recv';
create function mz_catalog.mz_timestamp_send(mz_catalog.mz_timestamp) returns bytea language internal immutable strict parallel safe as 'int8send';
create type mz_catalog.mz_timestamp (
    input = mz_catalog.mz_timestamp_in,
    output = mz_catalog.mz_timestamp_out,
    receive = mz_catalog.mz_timestamp_recv,
    send = mz_catalog.mz_timestamp_send,
    like = bigint
);

create function mz_catalog.mz_timestamp_eq(mz_catalog.mz_timestamp, mz_catalog.mz_timestamp) returns boolean language internal immutable strict leakproof parallel safe as 'int8eq';
create function mz_catalog.mz_timestamp_ne(mz_catalog.mz_timestamp, mz_catalog.mz_timestamp) returns boolean language internal immutable strict leakproof parallel safe as 'int8ne';
create function mz_catalog.mz_timestamp_lt(mz_catalog.mz_timestamp, mz_catalog.mz_timestamp) returns boolean language internal immutable strict leakproof parallel safe as 'int8lt';
create function mz_catalog.mz_timestamp_le(mz_catalog.mz_timestamp, mz_catalog.mz_timestamp) returns boolean language internal immutable strict leakproof parallel safe as 'int8le';
create function mz_catalog.mz_timestamp_gt(mz_catalog.mz_timestamp, mz_catalog.mz_timestamp) returns boolean language internal immutable strict leakproof parallel safe as 'int8gt';
create function mz_catalog.mz_timestamp_ge(mz_catalog.mz_timestamp, mz_catalog.mz_timestamp) returns boolean language internal immutable strict leakproof parallel safe as 'int8ge';
create function mz_catalog.mz_timestamp_cmp(mz_catalog.mz_timestamp, mz_catalog.mz_timestamp) returns integer language internal immutable strict leakproof parallel safe as 'btint8cmp';
create function mz_catalog.mz_timestamp_hash(mz_catalog.mz_timestamp) returns integer language internal immutable strict leakproof parallel safe as 'hashint8';
create function mz_catalog.mz_timestamp_hash_extended(mz_catalog.mz_timestamp, bigint) returns bigint language internal immutable strict leakproof parallel safe as 'hashint8extended';
create function mz_catalog.mz_timestamp_larger(mz_catalog.mz_timestamp, mz_catalog.mz_timestamp) returns mz_catalog.mz_timestamp language internal immutable strict parallel safe as 'int8larger';
create function mz_catalog.mz_timestamp_smaller(mz_catalog.mz_timestamp, mz_catalog.mz_timestamp) returns mz_catalog.mz_timestamp language internal immutable strict parallel safe as 'int8smaller';

create operator mz_catalog.= (leftarg = mz_catalog.mz_timestamp, rightarg = mz_catalog.mz_timestamp, function = mz_catalog.mz_timestamp_eq, commutator = operator(mz_catalog.=), negator = operator(mz_catalog.<>), restrict = eqsel, join = eqjoinsel, hashes, merges);
create operator mz_catalog.<> (leftarg = mz_catalog.mz_timestamp, rightarg = mz_catalog.mz_timestamp, function = mz_catalog.mz_timestamp_ne, commutator = operator(mz_catalog.<>), negator = operator(mz_catalog.=), restrict = neqsel, join = neqjoinsel);
create operator mz_catalog.< (leftarg = mz_catalog.mz_timestamp, rightarg = mz_catalog.mz_timestamp, function = mz_catalog.mz_timestamp_lt, commutator = operator(mz_catalog.>), negator = operator(mz_catalog.>=), restrict = scalarltsel, join = scalarltjoinsel);
create operator mz_catalog.<= (leftarg = mz_catalog.mz_timestamp, rightarg = mz_catalog.mz_timestamp, function = mz_catalog.mz_timestamp_le, commutator = operator(mz_catalog.>=), negator = operator(mz_catalog.>), restrict = scalarlesel, join = scalarlejoinsel);
create operator mz_catalog.> (leftarg = mz_catalog.mz_timestamp, rightarg = mz_catalog.mz_timestamp, function = mz_catalog.mz_timestamp_gt, commutator = operator(mz_catalog.<), negator = operator(mz_catalog.<=), restrict = scalargtsel, join = scalargtjoinsel);
create operator mz_catalog.>= (leftarg = mz_catalog.mz_timestamp, rightarg = mz_catalog.mz_timestamp, function = mz_catalog.mz_timestamp_ge, commutator = operator(mz_catalog.<=), negator = operator(mz_catalog.<), restrict = scalargesel, join = scalargejoinsel);

create operator class mz_catalog.mz_timestamp_ops default for type mz_catalog.mz_timestamp using btree as
operator 1 mz_catalog.<, operator 2 mz_catalog.<=, operator 3 mz_catalog.=, operator 4 mz_catalog.>=, operator 5 mz_catalog.>,
function 1 mz_catalog.mz_timestamp_cmp(mz_catalog.mz_timestamp, mz_catalog.mz_timestamp);
create operator class mz_catalog.mz_timestamp_hash_ops default for type mz_catalog.mz_timestamp using hash as
operator 1 mz_catalog.=,
function 1 mz_catalog.mz_timestamp_hash(mz_catalog.mz_timestamp),
function 2 mz_catalog.mz_timestamp_hash_extended(mz_catalog.mz_timestamp, bigint);

create aggregate mz_catalog.max(mz_catalog.mz_timestamp) (sfunc = mz_catalog.mz_timestamp_larger, stype = mz_catalog.mz_timestamp, combinefunc = mz_catalog.mz_timestamp_larger, sortop = operator(mz_catalog.>), parallel = safe);
create aggregate mz_catalog.min(mz_catalog.mz_timestamp) (sfunc = mz_catalog.mz_timestamp_smaller, stype = mz_catalog.mz_timestamp, combinefunc = mz_catalog.mz_timestamp_smaller, sortop = operator(mz_catalog.<), parallel = safe);

-- Casts. Bodies are parsed here, so callers need no rights on the schema mzlite; all of them can be inlined.
create cast (bigint as mz_catalog.mz_timestamp) without function as implicit;
create cast (mz_catalog.mz_timestamp as bigint) without function;
create function mz_internal.milliseconds(mz_catalog.mz_timestamp) returns bigint language internal immutable strict leakproof parallel safe as 'int8up';

-- A timestamp is held as microseconds since 2000; this hands the number out unchanged.
create function mz_internal.microseconds_of(timestamp) returns bigint language internal immutable strict leakproof parallel safe as 'int8up';
create function mz_internal.microseconds_of(timestamptz) returns bigint language internal immutable strict leakproof parallel safe as 'int8up';
create function mzlite.timestamp_of_microseconds(bigint) returns timestamp language internal immutable strict leakproof parallel safe as 'int8up';
create function mzlite.timestamptz_of_microseconds(bigint) returns timestamptz language internal immutable strict leakproof parallel safe as 'int8up';

create function mz_catalog.mz_timestamp(integer) returns mz_catalog.mz_timestamp language internal immutable strict parallel safe as 'int48';
create function mz_catalog.mz_timestamp(numeric) returns mz_catalog.mz_timestamp language internal immutable strict parallel safe as 'numeric_int8';
create function mz_catalog.mz_timestamp(timestamp) returns mz_catalog.mz_timestamp language sql immutable strict parallel safe
return ((mz_internal.microseconds_of($1) + 946684800000000) / 1000)::mz_catalog.mz_timestamp;
create function mz_catalog.mz_timestamp(timestamptz) returns mz_catalog.mz_timestamp language sql immutable strict parallel safe
return ((mz_internal.microseconds_of($1) + 946684800000000) / 1000)::mz_catalog.mz_timestamp;
create function mz_catalog.mz_timestamp(date) returns mz_catalog.mz_timestamp language sql immutable strict parallel safe
return (($1 - date '1970-01-01')::bigint * 86400000)::mz_catalog.mz_timestamp;
create function mz_catalog.mz_timestamp_to_timestamp(mz_catalog.mz_timestamp) returns timestamp language sql immutable strict parallel safe
return mzlite.timestamp_of_microseconds($1::bigint * 1000 - 946684800000000);
create function mz_catalog.mz_timestamp_to_timestamptz(mz_catalog.mz_timestamp) returns timestamptz language sql immutable strict parallel safe
return mzlite.timestamptz_of_microseconds($1::bigint * 1000 - 946684800000000);

create cast (integer as mz_catalog.mz_timestamp) with function mz_catalog.mz_timestamp(integer) as implicit;
create cast (numeric as mz_catalog.mz_timestamp) with function mz_catalog.mz_timestamp(numeric) as implicit;
create cast (timestamp as mz_catalog.mz_timestamp) with function mz_catalog.mz_timestamp(timestamp) as implicit;
create cast (timestamptz as mz_catalog.mz_timestamp) with function mz_catalog.mz_timestamp(timestamptz) as implicit;
create cast (date as mz_catalog.mz_timestamp) with function mz_catalog.mz_timestamp(date) as implicit;
create cast (mz_catalog.mz_timestamp as timestamp) with function mz_catalog.mz_timestamp_to_timestamp(mz_catalog.mz_timestamp) as assignment;
create cast (mz_catalog.mz_timestamp as timestamptz) with function mz_catalog.mz_timestamp_to_timestamptz(mz_catalog.mz_timestamp) as assignment;
create function mz_catalog.mz_timestamp(text) returns mz_catalog.mz_timestamp language sql immutable strict parallel safe
return case when $1 ~ '^\s*[0-9]+\s*$' then $1::bigint::mz_catalog.mz_timestamp else mz_catalog.mz_timestamp($1::timestamptz) end;
create cast (text as mz_catalog.mz_timestamp) with function mz_catalog.mz_timestamp(text) as assignment;
