from __future__ import annotations

from typing import Any

import pytest

from mzlite.dialect.definitions import Format, Include
from mzlite.errors import MzError
from mzlite.kafka.client import client_config
from mzlite.kafka.spec import IngestSpec, SinkSpec, source_columns


def columns(
    fmt: Format, includes: tuple[Include, ...] = (), envelope: str = "none", **more: Any
) -> list[tuple[str, str, bool]]:
    return [(column.name, column.type, column.not_null) for column in source_columns(fmt, includes, envelope, **more)]


def test_columns_as_recorded() -> None:
    includes = (Include("partition"), Include("offset"), Include("timestamp", "ts"), Include("headers"))
    assert columns(Format(None, "bytes"), includes) == [
        ("data", "bytea", True),
        ("partition", "integer", True),
        ("offset", "mz_catalog.uint8", True),
        ("ts", "timestamp without time zone", True),
        ("headers", "mz_catalog.kafka_header[]", True),
    ]


def test_the_key_is_first_and_its_name_is_given() -> None:
    assert columns(Format("text", "json"), (Include("partition", "p"), Include("key", "k"))) == [
        ("k", "text", False), ("data", "jsonb", True), ("p", "integer", True),
    ]  # fmt: skip
    # A key that is not included is not a column.
    assert columns(Format("text", "json")) == [("data", "jsonb", True)]


def test_upsert_has_its_key_and_inline_errors() -> None:
    assert columns(Format("text", "json"), (Include("key", "k"), Include("partition", "p")), "upsert-value-err-inline",
                   inline_error_column="problem") == [
        ("k", "text", True), ("problem", "mz_catalog.kafka_decode_error", False), ("data", "jsonb", False),
        ("p", "integer", True),
    ]  # fmt: skip
    assert columns(Format("bytes", "text"), (), "upsert") == [("key", "bytea", True), ("text", "text", True)]


def test_csv_and_renamed_columns() -> None:
    assert columns(Format(None, "csv", csv_columns=2)) == [("column1", "text", True), ("column2", "text", True)]
    assert columns(Format(None, "csv", csv_columns=2), columns=("a", "b"))[0] == ("a", "text", True)


@pytest.mark.parametrize(
    ("fmt", "includes", "envelope", "message"),
    [
        (Format(None, "json"), (), "upsert", r"ENVELOPE \[DEBEZIUM\] UPSERT requires that KEY FORMAT be specified"),
        (Format(None, "json"), (Include("key"),), "none", "INCLUDE KEY requires"),
        (Format(None, "json"), (Include("partition", "data"),), "none", 'column "data" specified more than once'),
        (Format(None, "avro"), (), "none", "FORMAT AVRO is not supported"),
    ],
)
def test_refused(fmt: Format, includes: tuple[Include, ...], envelope: str, message: str) -> None:
    with pytest.raises(MzError, match=message):
        source_columns(fmt, includes, envelope)


def secret(name: str) -> str:
    return {"m.public.password": "hush", "m.public.key": "PEM"}[name]


def test_a_plain_connection() -> None:
    options = {"BROKER": "127.0.0.1:9092", "SECURITY PROTOCOL": "PLAINTEXT"}
    assert client_config(options, secret) == {"bootstrap.servers": "127.0.0.1:9092", "security.protocol": "plaintext"}
    brokers = {"BROKERS": '["a:1", "b:2"]', "SECURITY PROTOCOL": "plaintext"}
    assert client_config(brokers, secret)["bootstrap.servers"] == "a:1,b:2"


def test_sasl_and_ssl_with_secrets() -> None:
    options = {
        "BROKER": "h:1", "SASL MECHANISMS": "SCRAM-SHA-256", "SASL USERNAME": "me",
        "SASL PASSWORD": "SECRET m.public.password", "SSL CERTIFICATE AUTHORITY": "CA",
    }  # fmt: skip
    assert client_config(options, secret) == {
        "bootstrap.servers": "h:1", "security.protocol": "sasl_ssl", "sasl.mechanisms": "SCRAM-SHA-256",
        "sasl.username": "me", "sasl.password": "hush", "ssl.ca.pem": "CA",
    }  # fmt: skip
    certificate = {"BROKER": "h:1", "SSL KEY": "SECRET m.public.key", "SSL CERTIFICATE": "CERT"}
    found = client_config(certificate, secret)
    assert (found["security.protocol"], found["ssl.key.pem"], found["ssl.certificate.pem"]) == ("ssl", "PEM", "CERT")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"BROKER": "a", "BROKERS": '["b"]'},
        {"BROKER": "a", "SECURITY PROTOCOL": "carrier pigeon"},
        {"BROKER": "a", "SASL USERNAME": "me"},
        {"BROKER": "a", "SSL KEY": "k"},
    ],
)
def test_incomplete_connections_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(MzError):
        client_config(options, secret)


def test_passwords_are_not_shown() -> None:
    assert "hush" not in repr(IngestSpec("u1", {"sasl.password": "hush"}, "t", Format(None, "bytes")))
    assert "hush" not in repr(SinkSpec("u1", {"sasl.password": "hush"}, "t", "x", "p"))
