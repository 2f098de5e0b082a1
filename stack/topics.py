"""The Kafka topics of the systems.

In: a broker's address and topic names. Out: topics that exist, and how full they are.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stack.errors import OptionError, StackError

ALL = "all"
SYSTEMS: dict[str, tuple[str, ...]] = {
    "delivery": ("orders", "status", "dispatch", "gps", "payments", "reviews"),
    "kitchens": ("kitchen-events",),
    "clickstream": ("web-events",),
    "santa": ("santa-deliveries",),
}
"""The topics that each system reads; what it writes, its sinks create."""

LOOK_SECONDS = 3.0

quiet_log = logging.getLogger("hotplate.stack.kafka")
quiet_log.addHandler(logging.NullHandler())
quiet_log.propagate = False


def topics_of(system: str) -> tuple[str, ...]:
    """The topics of one system, or of `all`.

    Raises:
        OptionError: there is no such system.
    """
    if system == ALL:
        return tuple(topic for topics in SYSTEMS.values() for topic in topics)
    try:
        return SYSTEMS[system]
    except KeyError:
        raise OptionError(f"there is no system {system}; there are {', '.join((*SYSTEMS, ALL))}") from None


def create_topics(brokers: str, names: Sequence[str], partitions: int) -> list[str]:
    """Create the topics that do not exist yet, and return their names.

    Raises:
        StackError: the broker does not answer or refuses.
    """
    if _refuse(brokers):
        raise _unreachable(brokers, "nothing listens there")
    admin = AdminClient({"bootstrap.servers": brokers}, logger=quiet_log)
    try:
        existing = admin.list_topics(timeout=10.0).topics
        missing = [name for name in names if name not in existing]
        if not missing:
            return []
        futures = admin.create_topics([NewTopic(name, partitions, 1) for name in missing], operation_timeout=10.0)
        created = []
        for name, future in futures.items():
            try:
                future.result(timeout=15.0)
                created.append(name)
            except KafkaException as error:
                # Someone else was quicker.
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
        return created
    except (KafkaException, TimeoutError) as error:
        reason = error.args[0].str() if isinstance(error, KafkaException) else "no answer in time"
        raise _unreachable(brokers, reason) from error


def _unreachable(brokers: str, reason: str) -> StackError:
    return StackError(
        f"the topics cannot be created on {brokers}: {reason}; is the broker up? (hotplate status, hotplate up)"
    )


def _refuse(brokers: str) -> bool:
    """Whether all of the bootstrap servers refuse at once: Kafka's client would go on asking until its time is over."""
    for server in brokers.split(","):
        host, _, port = server.rpartition("://")[2].strip().rpartition(":")
        if not port.isdigit():
            return False
        try:
            socket.create_connection((host.strip("[]"), int(port)), LOOK_SECONDS).close()
        except ConnectionRefusedError:
            continue
        except (OSError, OverflowError):
            pass
        return False
    return True


def message_counts(brokers: str, timeout: float = 3.0) -> dict[str, int]:
    """Messages kept by topic, Kafka's own topics left out; transaction markers count as messages.

    Raises:
        StackError: the broker does not answer.
    """
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "hotplate-status"}, logger=quiet_log)
    try:
        counts = {}
        for name, topic in sorted(consumer.list_topics(timeout=timeout).topics.items()):
            if not name.startswith("_"):
                bounds = [consumer.get_watermark_offsets(TopicPartition(name, p), timeout) for p in topic.partitions]
                counts[name] = sum(high - low for low, high in bounds)
        return counts
    except KafkaException as error:
        raise StackError(f"no broker answers on {brokers}: {error.args[0].str()}") from error
    finally:
        consumer.close()
