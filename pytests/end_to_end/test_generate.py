"""`hotplate generate` against a real broker: what is in the topics is what it says it sent."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from confluent_kafka import Consumer, TopicPartition

TOPICS = ("orders", "status")
HOUR_MS = 3_600_000


class Topics:
    """Reads what was written to the generator's topics since the last look."""

    def __init__(self, brokers):
        self.brokers = brokers
        self.offsets = self.ends()

    def ends(self):
        with closing_consumer(self.brokers) as consumer:
            known = consumer.list_topics(timeout=10).topics
            return {
                (topic, partition): consumer.get_watermark_offsets(TopicPartition(topic, partition), 10)[1]
                for topic in TOPICS
                if topic in known
                for partition in known[topic].partitions
            }

    def new(self):
        ends = self.ends()
        wanted = {place: (self.offsets.get(place, 0), end) for place, end in ends.items()}
        left = sum(end - start for start, end in wanted.values())
        self.offsets = ends
        messages = []
        with closing_consumer(self.brokers) as consumer:
            consumer.assign([TopicPartition(*place, start) for place, (start, _) in wanted.items()])
            deadline = time.monotonic() + 60
            while len(messages) < left:
                assert time.monotonic() < deadline, f"{left - len(messages)} messages did not come"
                messages += [
                    message
                    for message in consumer.consume(5_000, 1.0)
                    if message.error() is None and message.offset() < ends[message.topic(), message.partition()]
                ]
        return messages


class closing_consumer:  # noqa: N801
    def __init__(self, brokers):
        self.consumer = Consumer({"bootstrap.servers": brokers, "group.id": "test-generate"})

    def __enter__(self):
        return self.consumer

    def __exit__(self, *_):
        self.consumer.close()


@pytest.fixture
def topics(kafka):
    return Topics(kafka.bootstrap_servers)


@pytest.fixture
def command(kafka, tmp_path):
    def make(*options):
        return [
            *(sys.executable, "-m", "stack", "generate", "--brokers", kafka.bootstrap_servers, "--json"),
            *("--state-dir", str(tmp_path), *options),
        ]

    return make


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_history_and_present_are_in_the_topics_as_counted(topics, command):
    before_ms = time.time() * 1000
    lines = run(command("--seed", "1", "--backfill", "3", "--recent-rate", "5", "--rate", "300", "--duration", "2"))
    after_ms = time.time() * 1000
    messages = topics.new()
    truth = lines[-1]
    assert truth["kind"] == "truth"
    counts = Counter(message.topic() for message in messages)
    assert {**counts, "total": len(messages)} == truth["sent"]
    assert truth["sent"]["total"] == lines[-2]["events"]
    times = sorted(message.timestamp()[1] for message in messages)
    assert before_ms - 3 * HOUR_MS - 1_000 < times[0] < before_ms - 3 * HOUR_MS + 60_000
    assert before_ms < times[-1] <= after_ms + 100
    assert {line["phase"] for line in lines if line["kind"] == "progress"} == {"past", "present"}
    # The present has its rate, the history's last hour another.
    assert sum(t > times[-1] - 2_000 for t in times) == pytest.approx(600, abs=60)
    assert sum(before_ms - HOUR_MS < t < before_ms for t in times) == pytest.approx(5 * 3_600, rel=0.1)
    assert truth["delayed_now"] > 0
    assert truth["late"].keys() == {"orders", "status"}
    assert sum(message.value() is None for message in messages) == sum(truth["null_values"].values())


def test_a_key_stays_in_its_partition(topics, command):
    run(command("--seed", "2", "--backfill", "0.5", "--duration", "0"))
    partitions = {}
    for message in topics.new():
        if message.key() is not None:
            partitions.setdefault((message.topic(), message.key()), set()).add(message.partition())
    assert all(len(found) == 1 for found in partitions.values())
    used = {(topic, partition) for (topic, _), found in partitions.items() for partition in found}
    assert used == topics.offsets.keys()
    assert len(used) > len(TOPICS)


def test_ctrl_c_ends_it_with_exact_counts_and_the_next_run_goes_on(topics, command, tmp_path):
    world = tmp_path / "world.json"
    options = ("--rate", "400", "--world-file", str(world), "--backfill", "1")
    with subprocess.Popen(command(*options), stdout=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stdout:
            lines.append(json.loads(line))
            if lines[-1]["kind"] == "progress" and lines[-1]["phase"] == "present" and lines[-1]["events"] > 500:
                break
        process.send_signal(signal.SIGINT)
        lines += [json.loads(line) for line in process.stdout]
        assert process.wait(30) == 0
    first = topics.new()
    assert len(first) == lines[-1]["sent"]["total"]
    again = run(command(*options, "--duration", "0.5"))
    assert again[0] == {"kind": "start", "resumed": True, "seed": lines[0]["seed"], "counting": True}
    second = topics.new()
    assert len(second) == again[-1]["sent"]["total"]
    ids = {json.loads(m.value())["order_id"] for m in first if is_order(m)}
    later = {json.loads(m.value())["order_identifier"] for m in second if is_status(m)}
    assert later & ids


def is_order(message):
    return message.topic() == "orders" and good(message)


def is_status(message):
    return message.topic() == "status" and good(message)


def good(message):
    try:
        fields = json.loads(message.value())
        return isinstance(fields, dict)
    except (TypeError, ValueError):
        return False


def test_it_ends_when_nobody_reads_its_lines(command):
    with subprocess.Popen(command("--rate", "50"), stdout=subprocess.PIPE, text=True) as process:
        assert json.loads(process.stdout.readline())["kind"] == "start"
        process.stdout.close()
        assert process.wait(30) == 0


def test_no_broker_is_a_sentence(tmp_path):
    command = [sys.executable, "-m", "stack", "generate", "--brokers", "127.0.0.1:1", "--state-dir", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ}, check=False)
    assert result.returncode == 1
    assert "hotplate: the topics cannot be created on 127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr
