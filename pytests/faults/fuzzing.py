"""Thousands of odd messages into the pipeline's topics: each is a row, a quarantined row or, without a value, skipped.

In: a running stack, a number of messages and a seed. Out: how many became what, or an AssertionError.
"""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import Producer

from mzlite.kafka.client import ensure_topic
from mzlite.testing.dbt import run_dbt, write_profile
from pytests.end_to_end.kafka_tools import wait_for
from pytests.faults.stack import FaultyStack

PROJECT = Path(__file__).parents[2]
TOPICS = ("orders", "status")
LARGE = 10 << 20
READ_SECONDS = 600.0
TYPED_NUMBERS = ("total_amount",)
WRONG: tuple[Any, ...] = (
    None, True, False, -1, 0, 1e308, -1e-308, 10**400, 0.1 + 0.2, "", " ", "x" * 65, "null", [], {}, [1, [2]], {"a": {}},
    "2026-02-30T00:00:00.000Z", "0000-00-00T00:00:00.000Z", "2026-13-01T25:61:61.999Z", "99999-01-01T00:00:00.000Z",
    "2026-01-01", "infinity", "\u0000", "\ud83d", "\U0001f600", "'; drop table x; --", 12345678901234567890,
)  # fmt: skip
"""For any field: wrong types, numbers that no column holds, dates that do not exist, text that text cannot hold."""
BYTES = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00", b"\xf5\x80\x80\x80", b"\xef\xbb\xbf", b"\\", b'"', b"{", b"}")


@dataclass(frozen=True)
class Message:
    """One of them; `good` if it must become a row, `bad` if it must be quarantined, `skipped`, or `either`."""

    topic: str
    key: bytes | None
    value: bytes | None
    fate: str


def order() -> dict[str, Any]:
    return {
        "order_id": str(uuid.uuid4()),
        "user_key": "u1",
        "restaurant_key": "r1",
        "driver_key": None,
        "payment_id": str(uuid.uuid4()),
        "total_amount": 12.34,
        "order_date": "2026-01-01T12:00:00.000Z",
        "dt_current_timestamp": "2026-01-01T12:00:00.123Z",
    }


def status() -> dict[str, Any]:
    return {
        "status_id": str(uuid.uuid4()),
        "order_identifier": str(uuid.uuid4()),
        "status": {"status_name": "placed", "timestamp": "2026-01-01T12:00:00.000Z"},
        "dt_current_timestamp": "2026-01-01T12:00:00.123Z",
    }


class Fuzzer:
    """Draws messages; the same seed draws the same kinds."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._kinds: tuple[Callable[[str, dict[str, Any]], tuple[bytes | None, str]], ...] = (
            self._good, self._good, self._truncated, self._wrong_field, self._bytes, self._deep, self._double,
            self._no_value, self._no_object, self._missing,
        )  # fmt: skip

    def message(self) -> Message:
        """The next one."""
        topic = self._random.choice(TOPICS)
        document = order() if topic == "orders" else status()
        value, fate = self._random.choice(self._kinds)(topic, document)
        key = self._random.choice((None, b"", b"\xff\x00", str(uuid.uuid4()).encode()))
        return Message(topic, key, value, fate)

    def large(self, topic: str) -> list[Message]:
        """Values of ten megabytes: text, digits, braces, and no JSON at all."""
        document = order() if topic == "orders" else status()
        values = (
            json.dumps({**document, "note": "x" * LARGE}).encode(),
            b'{"order_id": ' + b"1" * LARGE + b"}",
            b'{"a":' * (LARGE // 5),
            b"\xff" * LARGE,
        )
        return [Message(topic, None, value, "bad" if place else "good") for place, value in enumerate(values)]

    def _good(self, topic: str, document: dict[str, Any]) -> tuple[bytes, str]:
        separators = self._random.choice(((",", ":"), (", ", ": "), (" ,\n", "\t:\r ")))
        return json.dumps({**document, "extra": "é\\"}, separators=separators).encode(), "good"

    def _truncated(self, topic: str, document: dict[str, Any]) -> tuple[bytes, str]:
        text = json.dumps(document).encode()
        return text[: self._random.randrange(len(text))], "bad"

    def _wrong_field(self, topic: str, document: dict[str, Any]) -> tuple[bytes, str]:
        inner = document["status"] if topic == "status" and self._random.random() < 0.4 else document
        inner[self._random.choice(sorted(inner))] = self._random.choice(WRONG)
        return json.dumps(document, ensure_ascii=self._random.random() < 0.7).encode(errors="surrogatepass"), "either"

    def _bytes(self, topic: str, document: dict[str, Any]) -> tuple[bytes, str]:
        data = bytearray(json.dumps(document).encode())
        for _ in range(self._random.randrange(1, 5)):
            place = self._random.randrange(len(data))
            data[place : place + self._random.randrange(3)] = self._random.choice(BYTES)
        return bytes(data), "either"

    def _deep(self, topic: str, document: dict[str, Any]) -> tuple[bytes, str]:
        depth = self._random.choice((3, 10, 100, 1_000, 20_000))
        opening, closing = self._random.choice(((b'{"a":', b"}"), (b"[", b"]")))
        nested = opening * depth + b"1" + closing * depth
        return json.dumps(document).encode()[:-1] + b', "deep": ' + nested + b"}", "bad"

    def _double(self, topic: str, document: dict[str, Any]) -> tuple[bytes, str]:
        """A member that is there twice: the last one counts, as in jsonb."""
        text = json.dumps(document).encode()
        wrong = b'{"dt_current_timestamp": "never", '
        return wrong + text[1:], "good"

    def _no_value(self, topic: str, document: dict[str, Any]) -> tuple[None, str]:
        return None, "skipped"

    def _no_object(self, topic: str, document: dict[str, Any]) -> tuple[bytes, str]:
        return self._random.choice((b"", b" ", b"null", b"1", b'"x"', b"[]", b"\n", b"NaN", b"true")), "bad"

    def _missing(self, topic: str, document: dict[str, Any]) -> tuple[bytes, str]:
        del document[self._random.choice(sorted(document))]
        return json.dumps(document).encode(), "good"


def run(stack: FaultyStack, directory: Path, count: int, seed: int, *, large: int = 1) -> Counter[str]:
    """Deploys the bronze models, writes the messages and compares; what became of how many.

    Args:
        large: how many rounds of values of ten megabytes.

    Raises:
        AssertionError: a message is missing, or is not where it must be, or something has stopped.
    """
    brokers = stack.broker.bootstrap_servers
    for topic in TOPICS:
        ensure_topic({"bootstrap.servers": brokers}, topic, partitions=2, settings={"max.message.bytes": str(20 << 20)})
    write_profile(directory, stack.mzlite, "materialize")
    commands = [["run", "--select", "+bronze_quarantine", "bronze_orders", "bronze_status"]]
    done = run_dbt(commands, PROJECT, directory, {"KAFKA_BROKERS": brokers}, 240)
    assert done.status == 0, done.output
    messages = _messages(count, seed, large)
    fates = _write(brokers, messages)
    with stack.mzlite.connect() as connection:
        connection.execute(
            "create view public.here as select 'orders' as topic, kafka_partition::int as p, kafka_offset as o,"
            " 'row' as place from public_bronze.bronze_orders union all select 'status', kafka_partition::int,"
            " kafka_offset, 'row' from public_bronze.bronze_status union all select topic, kafka_partition::int,"
            " kafka_offset, 'quarantined' from public_bronze.bronze_quarantine".replace(
                "public_bronze", _bronze_schema(connection)
            ).encode()
        )
        wanted = sum(fate != "skipped" for fate in fates.values())
        wait_for(lambda: _count(connection) >= wanted, READ_SECONDS)
        places: dict[tuple[str, int, int], str] = {}
        for topic, partition, offset, place in connection.execute("select * from public.here").fetchall():
            assert places.setdefault((topic, partition, offset), place) == place, "a row that is quarantined as well"
        assert _count(connection) == len(places) == wanted
        _check(fates, places)
        statuses = connection.execute(
            "select name, status, error from mz_internal.mz_source_statuses where type = 'kafka'"
        ).fetchall()
        assert {status for _, status, _ in statuses} == {"running"}, statuses
    for name, _, _, _, outcome, difference in stack.mzlite.administer("mzlite verify"):
        assert outcome == "equal", f"{name}: {outcome}: {difference}"
    return Counter(places.values()) + Counter(fate for fate in fates.values() if fate == "skipped")


def _messages(count: int, seed: int, large: int) -> list[Message]:
    fuzzer = Fuzzer(seed)
    heavy = [message for _ in range(large) for topic in TOPICS for message in fuzzer.large(topic)]
    found = [fuzzer.message() for _ in range(count - len(heavy))]
    # Between the others, so that what follows them is seen to go on.
    for place, message in enumerate(heavy):
        found.insert((place + 1) * len(found) // (len(heavy) + 1), message)
    return found


def _write(brokers: str, messages: list[Message]) -> dict[tuple[str, int, int], str]:
    """What must become of each message, by its place."""
    fates: dict[tuple[str, int, int], str] = {}
    producer = Producer(
        {"bootstrap.servers": brokers, "message.max.bytes": 20 << 20, "queue.buffering.max.kbytes": 1 << 20}
    )
    for message in messages:

        def written(error: Any, place: Any, message: Message = message) -> None:
            assert error is None, error
            fates[(place.topic(), place.partition(), place.offset())] = message.fate

        producer.produce(message.topic, message.value, message.key, on_delivery=written)
        producer.poll(0)
    assert producer.flush(240) == 0
    assert len(fates) == len(messages)
    return fates


def _check(fates: dict[tuple[str, int, int], str], places: dict[tuple[str, int, int], str]) -> None:
    for place, fate in fates.items():
        found = places.get(place)
        right = {"good": ("row",), "bad": ("quarantined",), "skipped": (None,), "either": ("row", "quarantined")}[fate]
        assert found in right, f"the message at {place} should be {fate} and is {found}"


def _count(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from public.here").fetchone()
    assert row is not None
    return int(row[0])


def _bronze_schema(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute(
        "select s.name from mz_views as v join mz_schemas as s on s.id = v.schema_id where v.name = 'bronze_orders'"
    ).fetchone()
    assert row is not None
    return str(row[0])
