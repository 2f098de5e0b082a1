"""The small form of the benchmark: this project's drain against the batch computation, without the peers.

20,000 events; ratios and equality only, no times: a busy machine must not make it fail.
"""

import json

import pytest

from bench import hotplate, outputs, report, systems, topics, truth
from bench.peers import flink
from stack.demo.latency import Histogram


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_drain_agrees_with_the_batch_computation(tmp_path):
    tmp_path.chmod(0o755)
    prepared = topics.prepare(10_000, 10_000, print, tmp_path)
    figures, found = hotplate.drain(prepared, print, tmp_path, timeout=240)
    with topics.running_copy(prepared, "truth", tmp_path):
        wanted, counts = truth.compute(prepared.brokers, prepared.written_ms)
    assert counts["messages"] == 20_000
    assert counts["late orders"] > 0
    assert counts["typed orders"] < 10_000
    assert min(len(rows) for rows in wanted.values()) > 10
    for check in outputs.compare(found, wanted):
        assert check.is_good, check
    assert figures["progress"][-1][1] == prepared.events
    # Each order that is delayed was told of once and not taken back; others came and went.
    alerts, gone = figures["written"]["alerts"], figures["written"]["tombstones"]
    assert alerts - 2 * gone == len(wanted["alerts"])
    # And the report can be written of it.
    drains = {
        **{"topics": prepared.name, "orders": 10_000, "status": 10_000, "events": 20_000, "measured_at": "now"},
        **{**figures, "machine": report.machine(), "counts": counts, "checks": []},
    }
    text = report.text({"hotplate": json.loads(json.dumps(drains, default=str))}, [])
    assert "| hotplate (mzlite) |" in text


def test_a_difference_is_found():
    wanted = {"gold_system_health": {(0,): (1, 2, 3, 4, 5, 6, 7, 8), (600_000,): (1, 2, 3, 4, 5, 6, 7, 8)}}
    found = {"gold_system_health": {(0,): (1, 2, 3, 4, 5, 6, 7, 9), (1,): (1, 2, 3, 4, 5, 6, 7, 8)}}
    (check,) = outputs.compare(found, wanted)
    assert not check.is_good
    assert check.found.startswith("1 rows missing, 1 too many, 1 differ, of 2")


def test_a_row_is_the_same_whatever_wrote_it():
    fields = {"window_start": "2026-01-01T00:10:00", "bucket": "fast", "order_count": 3, "percentage": 50}
    from_sql = outputs.canonical("gold_delivery_time_distribution", {**fields, "avg_delivery_minutes": 12})
    from_json = outputs.canonical(
        "gold_delivery_time_distribution", {**fields, "window_start": 1767226200000, "avg_delivery_minutes": 12}
    )
    assert from_sql == from_json
    assert from_sql[0] == (1767226200000, "fast")


def test_flinks_script_is_complete(tmp_path):
    prepared = topics.Prepared(1, 1, 1_767_225_600_000, 9092)
    flink._configure(tmp_path, prepared, "broker:1", "exactly-once", {"parallelism.default": "2"})
    script = (tmp_path / "job.sql").read_text()
    statements = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    assert "$" not in statements.replace("}$'", "")
    assert "create view" not in statements
    assert statements.count("with valid_orders as (") == 5
    assert "transactional-id-prefix' = 'delivery-alerts'" in statements


def test_a_promise_is_judged_by_its_p99_and_not_kept_by_silence():
    quick, slow = Histogram(), Histogram()
    quick.add(40, 990)
    quick.add(3_500, 9)
    slow.add(40, 980)
    slow.add(3_500, 20)
    lines = systems.latencies({"quick": quick, "slow": slow, "silent": Histogram()})[2:]
    assert lines == [
        "| quick | 999 | 40 | 40 | 40 | 3,500 | yes |",
        "| slow | 1,000 | 40 | 40 | 3,500 | 3,500 | **no** |",
        "| silent | 0 | - | - | - | - | **no** |",
    ]
