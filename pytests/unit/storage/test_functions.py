"""Types and functions that PostgreSQL lacks, against what was seen on a real Materialize."""

from __future__ import annotations

import hashlib
import hmac
import random
import re
import uuid
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from mzlite.storage.postgres import Postgres


@pytest.fixture
def client(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect(user="materialize") as connection:
        yield connection


def value(client: psycopg.Connection[Any], expression: str) -> Any:
    row = client.execute(f"select {expression}").fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0]


# mz_timestamp and the clock ------------------------------------------------------------


def test_mz_now_compares_with_what_casts_to_it(client: psycopg.Connection[Any]) -> None:
    for expression in (
        "mz_now() > 5",
        "mz_now() > 5::bigint",
        "mz_now() > 5.4",
        "mz_now() > timestamp '2020-01-01'",
        "mz_now() <= now() + interval '1 day'",
        "mz_now() > date '2020-01-01'",
        "mz_now() < '99999999999999'",
        "mz_now() between '0' and now() + interval '1 day'",
        "mz_now()::timestamptz > timestamptz '2020-01-01'",
        "extract(epoch from timestamp '2020-01-01')::bigint * 1000 < mz_now()",
    ):
        assert value(client, expression) is True, expression
    assert value(client, "pg_typeof(mz_now())") == "mz_timestamp"
    with pytest.raises(psycopg.errors.UndefinedFunction, match=r"mz_timestamp \+ interval"):
        value(client, "mz_now() + interval '1 day'")


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01 00:00:00", 0),
        ("1999-12-31 23:59:59.999", 946684799999),
        ("2000-01-01 00:00:00.0009", 946684800000),
        ("2026-11-21 06:16:57.486", 1795241817486),
        ("9999-12-31 23:59:59.999", 253402300799999),
    ],
)
def test_timestamps_become_milliseconds(client: psycopg.Connection[Any], text: str, milliseconds: int) -> None:
    for kind in ("timestamp", "timestamptz"):
        assert value(client, f"mz_internal.milliseconds({kind} '{text}')") == milliseconds
    moment = value(client, f"{milliseconds}::mz_timestamp::timestamp")
    assert moment.replace(tzinfo=UTC).timestamp() * 1000 == pytest.approx(milliseconds, abs=0.5)


def test_dates_become_milliseconds(client: psycopg.Connection[Any]) -> None:
    assert value(client, "mz_internal.milliseconds(date '2026-01-01')") == 1767225600000


def test_mz_timestamps_sort_group_and_index(postgres: Postgres) -> None:
    with postgres.connect() as connection:
        connection.execute("create temporary table x (a mz_timestamp primary key)")
        connection.execute("insert into x select g::mz_timestamp from generate_series(1000, 1, -1) as g")
        assert connection.execute(
            "select mz_internal.milliseconds(min(a)), mz_internal.milliseconds(max(a)), count(distinct a) from x"
        ).fetchone() == (
            1,
            1000,
            1000,
        )
        connection.execute("set enable_seqscan = off")
        plan = connection.execute("explain select * from x where a <= 5").fetchall()
        assert any("Index" in line for (line,) in plan)


@pytest.mark.parametrize(
    ("last_tick", "next_due", "held", "expected"),
    [
        (1000, None, 5000, 5000),
        (1000, 3000, 5000, 2999),  # an event falls due at 3000 and is not ticked yet
        (1000, 900, 5000, 1000),  # never before the last tick
        (9000, None, 5000, 9000),
    ],
)
def test_readers_never_see_an_unticked_moment(
    postgres: Postgres, last_tick: int, next_due: int | None, held: int, expected: int
) -> None:
    with postgres.connect(autocommit=False) as admin:
        admin.execute("update mzlite.clock set last_tick = %s, next_due = %s, held = %s", (last_tick, next_due, held))
        assert value(admin, "mz_internal.milliseconds(mz_now())") == expected
        admin.rollback()


def test_the_moment_is_one_in_a_transaction_and_follows_the_clock_after_it(postgres: Postgres) -> None:
    with postgres.connect() as admin, postgres.connect(user="materialize", autocommit=False) as reader:
        before = admin.execute("select last_tick, held from mzlite.clock").fetchone()
        try:
            admin.execute("update mzlite.clock set held = 4000000000000")
            assert value(reader, "mz_internal.milliseconds(mz_now())") == 4000000000000
            admin.execute("update mzlite.clock set held = 4000000000001")
            assert value(reader, "mz_internal.milliseconds(mz_now())") == 4000000000000
            reader.commit()
            assert value(reader, "mz_internal.milliseconds(mz_now())") == 4000000000001
        finally:
            admin.execute("update mzlite.clock set last_tick = %s, held = %s", before)


def test_inside_a_tick_the_moment_is_the_ticks(postgres: Postgres) -> None:
    with postgres.connect(autocommit=False) as admin:
        assert value(admin, "mz_internal.milliseconds(mz_now())") > 10**12
        admin.execute("set local mzlite.now = '1234'")
        assert value(admin, "mz_internal.milliseconds(mz_now())") == 1234
        admin.rollback()
        assert value(admin, "mz_internal.milliseconds(mz_now())") > 10**12


# try_parse_monotonic_iso8601_timestamp ----------------------------------------------------


SHAPE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z", re.ASCII)


def parsed(text: str) -> datetime | None:
    """What the function should say."""
    if not SHAPE.match(text) or text[17:19] > "59":
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=None)
    except ValueError:
        return None


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00.000Z", "2024-02-29T12:34:56.789Z", "2000-02-29T00:00:00.000Z", "9999-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00.000Z", "2026-02-29T00:00:00.000Z", "1900-02-29T00:00:00.000Z", "2026-04-31T00:00:00.000Z",
        "2026-00-10T00:00:00.000Z", "2026-13-10T00:00:00.000Z", "2026-01-00T00:00:00.000Z", "2026-01-32T00:00:00.000Z",
        "2026-01-01T24:00:00.000Z", "2026-01-01T00:60:00.000Z", "2016-12-31T23:59:60.000Z", "0000-01-01T00:00:00.000Z",
        "2026-01-01T00:00:00.000000Z", "2026-01-01 00:00:00.000Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000",
        "2026-01-01T00:00:00.000Z ", " 026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000z", "2026-01-01T00:00:00.1e1Z",
        "2026-01-01T+0:00:00.000Z", "\u0662026-01-01T00:00:00.00Z", "", "now",
    ],
)  # fmt: skip
def test_only_the_exact_form_of_a_real_moment_is_parsed(client: psycopg.Connection[Any], text: str) -> None:
    row = client.execute("select try_parse_monotonic_iso8601_timestamp(%s)", (text,)).fetchone()
    assert row == (parsed(text),)


def test_mutations_of_a_timestamp_are_parsed_like_the_reference(client: psycopg.Connection[Any]) -> None:
    source = random.Random(7)
    characters = [chr(code) for code in range(1, 128)] + ["é", "\u00a0", "٣"]
    texts = []
    for _ in range(20_000):
        letters = list("2024-02-28T13:05:59.120Z")
        for _ in range(source.randrange(1, 4)):
            letters[source.randrange(len(letters))] = source.choice(
                characters if source.random() < 0.5 else "0123456789"
            )
        texts.append("".join(letters))
    rows = client.execute(
        "select s, try_parse_monotonic_iso8601_timestamp(s) from unnest(%s::text[]) as s", (texts,)
    ).fetchall()
    wrong = [(text, found) for text, found in rows if found != parsed(text)]
    assert wrong == []


# Unsigned integers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(5::uint8 + 1::uint8)::text", "6"),
        ("5::uint8 + 1", Decimal(6)),
        ("pg_typeof(1 + 5::uint4)", "bigint"),
        ("5::uint8 > 3", True),
        ("5::uint8 > -3", True),
        ("-1 < 5::uint8", True),
        ("5::uint8 = 5::numeric", True),
        ("5::uint8 < 5.5::float8", True),
        ("5::uint8 = '5'", True),
        ("to_jsonb(5::uint8)", 5),
        ("4294967295::uint4::text", "4294967295"),
        ("18446744073709551615::uint8::text", "18446744073709551615"),
        ("(select sum(x) from unnest(array[1, 2]::uint8[]) as x)", Decimal(3)),
        ("(select pg_typeof(sum(x)) from unnest(array[1, 2]::uint4[]) as x)", "uint8"),
        ("(select avg(x) from unnest(array[1, 2]::uint8[]) as x)", Decimal("1.5")),
        ("(select max(x)::text from unnest(array[9, 10]::uint2[]) as x)", "10"),
        ("(select sum(x) from unnest(array[]::uint8[]) as x)", None),
        ("(select count(distinct x) from unnest(array[1, 1, 2]::uint8[]) as x)", 2),
    ],
)
def test_unsigned_values(client: psycopg.Connection[Any], expression: str, expected: Any) -> None:
    assert value(client, expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("(-1)::uint4", '"-1" uint4 out of range'),
        ("70000::uint2", '"70000" uint2 out of range'),
        ("4294967296::uint4", '"4294967296" uint4 out of range'),
        ("3::uint8 - 5::uint8", '"3 - 5" uint8 out of range'),
        ("65535::uint2 * 2::uint2", '"65535 * 2" uint2 out of range'),
        ("18446744073709551616::uint8", '"18446744073709551616" uint8 out of range'),
    ],
)
def test_unsigned_values_out_of_range(client: psycopg.Connection[Any], expression: str, message: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        value(client, expression)
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == ("XX000", message)


def test_unsigned_operators_are_those_of_numerics(postgres: Postgres) -> None:
    """Up to both ends and with nulls, in both orders."""
    with postgres.connect() as admin:
        admin.execute("create temporary table of_uints (c uint8, k bigint)")
        admin.execute(
            "insert into of_uints select c, k"
            " from unnest(array[0, 1, 5, 9223372036854775807, 9223372036854775808, 18446744073709551615, null]::uint8[]) as c,"
            " unnest(array[-9223372036854775808, -1, 0, 5, 9223372036854775807, null]) as k"
        )
        comparisons = [
            (f"{left} {operator} {right}", f"{left}::numeric {operator} {right}::numeric")
            for operator in ("=", "<>", "<", "<=", ">", ">=")
            for left, right in (("c", "k"), ("k", "c"))
        ]
        sums = [
            ("c / 3::uint8", "div(c::numeric, 3)"),
            ("c % 3::uint8", "mod(c::numeric, 3)"),
            ("c - (c / 2::uint8)", "c::numeric - div(c::numeric, 2)"),
            ("(c / 2::uint8) + (c / 2::uint8)", "div(c::numeric, 2) * 2"),
            ("(c / 2::uint8) * 2::uint8", "div(c::numeric, 2) * 2"),
            ("c + k", "c::numeric + k::numeric"),
        ]
        for unsigned, numeric in (*comparisons, *sums):
            rows = admin.execute(
                f"select c, k, {unsigned} from of_uints where ({unsigned}) is distinct from ({numeric})"
            )
            assert rows.fetchall() == [], unsigned
        for kind in ("uint2", "uint4", "uint8"):
            for operator in "+-*/%":
                texts = [f"null::{kind} {operator} 1::{kind}", f"1::{kind} {operator} null::{kind}"]
                assert [value(admin, text) for text in texts] == [None, None], (kind, operator)


def test_unsigned_operators_and_casts_are_inlined(postgres: Postgres) -> None:
    """What PostgreSQL calls instead costs a hundred times as much."""
    expressions = [f"{name} {operator} {name}" for name in "abc" for operator in "+-*/%"]
    expressions += [f"c {operator} k" for operator in ("+", "*", "/", "=", "<>", "<", "<=", ">", ">=")]
    expressions += [f"k {operator} c" for operator in ("-", "%", "=", "<>", "<", "<=", ">", ">=")]
    expressions += ["a::uint8", "b::uint2", "c::uint4", "c::real", "c::bigint", "c::json", "k::uint8", "n::uint8"]
    with postgres.connect() as admin:
        admin.execute("create temporary table of_uints (a uint2, b uint4, c uint8, k bigint, n numeric)")
        for expression in expressions:
            plan = "".join(row[0] for row in admin.execute(f"explain (verbose) select {expression} from of_uints"))
            names = set(re.findall(r"([a-z_0-9.]+)\(", plan.split("Output:")[1]))
            assert names & {
                "mz_internal.bits",
                "mz_internal.as_uint2",
                "mz_internal.as_uint4",
                "mz_internal.as_uint8",
            }, plan
            assert not names & {"mz_internal.bits_of", "mz_catalog.numeric"}, plan


def test_signed_integers_still_compare_as_before(client: psycopg.Connection[Any]) -> None:
    for expression in (
        "1 = 1::bigint",
        "2::smallint > 1",
        "1.5 > 1",
        "now() > date '2020-01-01'",
        "1 in (1, 2::bigint)",
    ):
        assert value(client, expression) is True


# Functions that PostgreSQL lacks -----------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("length", [0, 3, 55, 56, 64, 200])
def test_hashes_are_those_of_hashlib(client: psycopg.Connection[Any], algorithm: str, length: int) -> None:
    text = "é" * (length // 2) + "x" * (length % 2)
    row = client.execute(
        "select digest(%s::text, %s), hmac(%s::text, %s::text, %s)", (text, algorithm, text, "k" + text, algorithm)
    ).fetchone()
    expected = hmac.new(("k" + text).encode(), text.encode(), algorithm).digest()
    assert row == (hashlib.new(algorithm, text.encode()).digest(), expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (
            "uuid_generate_v5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'example.com')",
            uuid.uuid5(uuid.NAMESPACE_DNS, "example.com"),
        ),
        ("crc32('abc')::bigint", zlib.crc32(b"abc")),
        # Values of org.apache.kafka.common.utils.Utils.murmur2, made positive.
        ("kafka_murmur2('21')", -973932308 & 0x7FFFFFFF),
        ("kafka_murmur2('foobar')", -790332482 & 0x7FFFFFFF),
        ("kafka_murmur2('a-little-bit-long-string')", -985981536 & 0x7FFFFFFF),
        ("kafka_murmur2('a-little-bit-longer-string')", -1486304829 & 0x7FFFFFFF),
        ("kafka_murmur2('abc')", 479470107),
        # The first from the documentation of the hash's own library.
        ("seahash('to be or not to be')::text", "1988685042348123509"),
        ("seahash('Tom'::bytea)::text", "9975570841359408637"),
        ("seahash('')::text", "14492805990617963705"),
        ("list_append(mz_internal.list(array[1]), 2)::text", "{1,2}"),
        ("list_length(mz_internal.list(array[]::int[]))", 0),
        ("(select list_agg(x order by x desc) from unnest(array[1, 3, 2]) as x)::text", "{3,2,1}"),
        ("(select map_agg(x::text, x) from unnest(array[1, 2]) as x)::text", "{1=>1,2=>2}"),
        ("map_length('{a=>1,b=>2}'::mz_catalog.map_int4)", 2),
        ("datediff('month', date '2025-12-31', date '2026-01-01')", 1),
        ("datediff('hour', timestamp '2026-01-01 00:59', timestamp '2026-01-01 02:00')", 2),
        ("datediff('week', date '2026-01-04', date '2026-01-05')", 1),
        ("(select count(*) from date_bin_hopping('5 minutes', '15 minutes', timestamp '2026-01-01 00:07'))", 3),
        ("constant_time_eq('a', 'b')", False),
    ],
)
def test_values_of_functions(client: psycopg.Connection[Any], expression: str, expected: Any) -> None:
    assert value(client, expression) == expected


def test_inputs_in_sql_take_what_postgres_gives(postgres: Postgres) -> None:
    """An input function is given three arguments; of one that takes fewer PostgreSQL read lengths behind its own."""
    with postgres.connect() as connection:
        rows = connection.execute(
            """
            select p.pronargs = 3, count(*) > 0 from pg_type as t
            inner join pg_proc as p on p.oid = t.typinput
            inner join pg_language as l on l.oid = p.prolang and l.lanname = 'sql'
            group by p.pronargs
            """
        ).fetchall()
    assert rows == [(True, True)]


# The session's names ---------------------------------------------------------------------


def test_the_system_schemas_are_not_the_current_schema(client: psycopg.Connection[Any]) -> None:
    assert value(client, "current_schema()") == "public"
    assert value(client, "current_schemas(true)") == ["mz_catalog", "pg_catalog", "public"]
    assert value(client, "current_database()") == "materialize"
