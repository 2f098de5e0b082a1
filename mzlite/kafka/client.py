"""Talks to the brokers about things other than messages: options, topics, partitions, offsets.

In: the options of a Kafka connection. Out: librdkafka configuration for every client of that
connection, and answers of the cluster; failures as `MzError` in Materialize's words.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from mzlite.errors import MzError, unsupported

log = structlog.get_logger(__name__)

Config = dict[str, Any]

SECURITY_PROTOCOLS = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
PASSED_ON = {
    "SASL MECHANISMS": "sasl.mechanisms",
    "SASL USERNAME": "sasl.username",
    "SASL PASSWORD": "sasl.password",
    "SSL KEY": "ssl.key.pem",
    "SSL CERTIFICATE": "ssl.certificate.pem",
    "SSL CERTIFICATE AUTHORITY": "ssl.ca.pem",
}
SASL = frozenset({"SASL MECHANISMS", "SASL USERNAME", "SASL PASSWORD"})
SECRETS = ("SASL PASSWORD", "SSL KEY")
TUNNELS = ("AWS CONNECTION", "AWS PRIVATELINK", "SSH TUNNEL")
OTHERS = frozenset({
    "BROKER", "BROKERS", "PROGRESS TOPIC", "PROGRESS TOPIC REPLICATION FACTOR", "SECURITY PROTOCOL", *TUNNELS,
})  # fmt: skip
SECRET = "SECRET "
"""Begins a value that refers to a secret."""
CONNECT_TIMEOUT = 2.0
REQUEST_TIMEOUT = 10.0


def client_config(options: Mapping[str, object], secret: Callable[[str], str]) -> dict[str, str]:
    """librdkafka configuration from the options of `CREATE CONNECTION .. TO KAFKA`.

    Args:
        options: by upper-case name; a value `SECRET db.schema.name` refers to a secret.
        secret: gives the value of a secret by the name after `SECRET`.

    Raises:
        MzError: an option is missing or contradicts another.
    """
    _check_names(options)
    protocol = _security(options)
    config = {"bootstrap.servers": ",".join(_brokers(options)), "security.protocol": protocol}
    for option, key in PASSED_ON.items():
        value = options.get(option)
        if value is not None:
            text = str(value)
            config[key] = secret(text.removeprefix(SECRET).strip()) if text.startswith(SECRET) else text
    if "sasl.mechanisms" in config:
        config["sasl.mechanisms"] = config["sasl.mechanisms"].upper()
    return config


def _check_names(options: Mapping[str, object]) -> None:
    for option in SECRETS:
        value = options.get(option)
        if value is not None and not str(value).startswith(SECRET):
            raise MzError(f"invalid {option}: must provide a secret value")
    foreign = sorted(options.keys() - PASSED_ON.keys() - OTHERS)
    if foreign:
        raise MzError(f"KAFKA connections do not support {', '.join(foreign)} values")
    for option in TUNNELS:
        if options.get(option) is not None:
            raise unsupported(
                f"{option} of a Kafka connection is not supported by mzlite",
                hint="mzlite reaches brokers directly: give their addresses with BROKER or BROKERS.",
            )


def _security(options: Mapping[str, object]) -> str:
    """The security protocol; secure unless the statement says otherwise."""
    given = {option for option in PASSED_ON if options.get(option) is not None}
    protocol = str(options.get("SECURITY PROTOCOL") or ("sasl_ssl" if given & SASL else "ssl")).lower()
    if protocol not in SECURITY_PROTOCOLS:
        raise MzError(f"unknown security protocol: {protocol.upper()}")
    outstanding = set(given)
    if protocol.endswith("ssl"):
        outstanding -= {"SSL CERTIFICATE", "SSL CERTIFICATE AUTHORITY"}
        if "SSL CERTIFICATE" in given:
            if "SSL KEY" not in given:
                raise MzError("SSL KEY must be specified with SSL CERTIFICATE")
            outstanding.discard("SSL KEY")
    if protocol.startswith("sasl"):
        outstanding -= SASL
        for option in ("SASL MECHANISMS", "SASL USERNAME", "SASL PASSWORD"):
            if option not in given:
                raise MzError(f"{option} must be specified")
    if outstanding:
        raise MzError(f"option {min(outstanding)} not supported with this configuration")
    return protocol


def _brokers(options: Mapping[str, object]) -> list[str]:
    one, several = options.get("BROKER"), options.get("BROKERS")
    if one is None and several is None:
        raise MzError("invalid CONNECTION: must set one of BROKER, BROKERS, or AWS PRIVATELINK")
    if one is not None and several is not None:
        raise MzError("invalid CONNECTION: can only set one of BROKER, BROKERS, or AWS PRIVATELINK")
    brokers = [str(broker) for broker in json.loads(str(several))] if one is None else [str(one)]
    if any("," in broker for broker in brokers):
        raise MzError(
            "invalid CONNECTION: cannot specify multiple Kafka broker addresses in one string.\n\n\n"
            "Instead, specify BROKERS using multiple strings, e.g. BROKERS ('kafka:9092', 'kafka:9093')"
        )
    factor = options.get("PROGRESS TOPIC REPLICATION FACTOR")
    if factor is not None and int(str(factor)) <= 0:
        raise MzError("invalid CONNECTION: PROGRESS TOPIC REPLICATION FACTOR must be greater than 0")
    return brokers


def quiet(config: Mapping[str, str], **more: object) -> Config:
    """Configuration of any client: `config`, then `more`, over what all have in common.

    Errors are answered for elsewhere, so that nothing is written to stderr; a broker that comes back is noticed soon.
    """
    common = {"log_level": 0, "error_cb": lambda _error: None, "reconnect.backoff.max.ms": 1000}
    return {**common, **config, **more}


def transport_failure() -> MzError:
    """No broker answers."""
    return MzError("Broker transport failure", sqlstate="58000")


def validate(config: Mapping[str, str]) -> None:
    """Ask the brokers whether they are there.

    Raises:
        MzError: no broker answers, or none accepts these credentials.
    """
    # A refused connection is known at once; librdkafka would go on trying until its time is up.
    if not any(_accepts(address) for address in config["bootstrap.servers"].split(",")):
        raise transport_failure()
    errors: list[KafkaError] = []
    client = AdminClient(quiet(config) | {"error_cb": errors.append, "socket.connection.setup.timeout.ms": 5000})
    deadline = time.monotonic() + REQUEST_TIMEOUT
    while True:
        try:
            client.list_topics(timeout=1.0)
            return
        except KafkaException as error:
            # Serves the error callback.
            client.poll(0)
            fatal = next((e for e in errors if e.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL)), None)
            if fatal is not None:
                raise MzError(fatal.str(), sqlstate="58000") from error
            if time.monotonic() > deadline or errors:
                raise transport_failure() from error


def _accepts(address: str) -> bool:
    host, _, port = address.strip().rpartition(":")
    with suppress(OSError, ValueError), socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT):
        return True
    return False


def topic_partitions(config: Mapping[str, str], topic: str) -> list[int]:
    """The partitions of a topic, in order.

    Raises:
        MzError: the topic does not exist, or no broker answers.
    """
    client = AdminClient(quiet(config))
    try:
        # The whole list, because asking for one topic may create it.
        metadata = client.list_topics(timeout=REQUEST_TIMEOUT)
    except KafkaException as error:
        raise transport_failure() from error
    found = metadata.topics.get(topic)
    if found is None or found.error is not None:
        raise MzError("Topic does not exist")
    return sorted(found.partitions)


def resolve_start(
    config: Mapping[str, str], topic: str, start_offset: Sequence[int] = (), start_timestamp: int | None = None
) -> dict[int, int]:
    """START OFFSET (one number for each partition from 0 on) or START TIMESTAMP as offsets by partition.

    Args:
        start_timestamp: milliseconds since 1970; a negative one counts back from now. A partition
            without a message at or after it starts at its end.

    Raises:
        MzError: the topic does not exist, or no broker answers.
    """
    partitions = topic_partitions(config, topic)
    if start_timestamp is None:
        if any(partition >= len(partitions) for partition in range(len(start_offset))):
            raise MzError(
                f"START OFFSET specified more partitions ({len(start_offset)}) than topic ({topic}) "
                f"contains ({len(partitions)})"
            )
        return dict(enumerate(start_offset))
    if start_timestamp < 0:
        start_timestamp = max(0, time.time_ns() // 1_000_000 + start_timestamp)
    consumer = Consumer(quiet(config, **{"group.id": "materialize-start", "enable.auto.commit": False}))
    try:
        wanted = [TopicPartition(topic, partition, start_timestamp) for partition in partitions]
        found = consumer.offsets_for_times(wanted, timeout=REQUEST_TIMEOUT)
        offsets = {item.partition: item.offset for item in found}
        for partition, offset in offsets.items():
            if offset < 0:
                _low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=REQUEST_TIMEOUT)
                offsets[partition] = high
    except KafkaException as error:
        raise transport_failure() from error
    finally:
        consumer.close()
    return offsets


def ensure_topic(
    config: Mapping[str, str],
    topic: str,
    *,
    partitions: int | None = None,
    replication_factor: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Create a topic unless it exists; None leaves a number to the broker.

    Raises:
        KafkaException: it could not be created.
    """
    client = AdminClient(quiet(config))
    if _is_topic(client, topic):
        return
    new = NewTopic(topic, partitions or -1, replication_factor or -1, config=dict(settings or {}))
    try:
        client.create_topics([new], operation_timeout=REQUEST_TIMEOUT)[topic].result(timeout=2 * REQUEST_TIMEOUT)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    # The broker that is asked next may not have heard of it yet.
    deadline = time.monotonic() + REQUEST_TIMEOUT
    while not _is_topic(client, topic) and time.monotonic() < deadline:
        time.sleep(0.02)
    log.info("created a topic", topic=topic)


def _is_topic(client: AdminClient, topic: str) -> bool:
    found = client.list_topics(timeout=REQUEST_TIMEOUT).topics.get(topic)
    return found is not None and found.error is None
