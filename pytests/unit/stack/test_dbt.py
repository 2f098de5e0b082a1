"""What is read out of dbt's lines, and how several commands are run in one process."""

import subprocess
import sys

import pytest

from mzlite.dbt_commands import split
from stack.dbt import Step, environment, parse_step
from stack.demo.deploy import commands, selection
from stack.settings import Settings


@pytest.mark.parametrize(
    ("line", "step"),
    [
        (
            "08:01:02  4 of 23 OK created sql view model bronze.bronze_orders ......... [CREATE VIEW in 0.10s]",
            Step(4, 23, "OK", "created sql view model bronze.bronze_orders"),
        ),
        (
            "08:01:02  1 of 2 START test unique_orders_id ...................... [RUN]",
            Step(1, 2, "START", "test unique_orders_id"),
        ),
        (
            "08:01:02  \x1b[32m9 of 61 PASS not_null_gold ........ [\x1b[32mPASS\x1b[0m in 0.05s]",
            Step(9, 61, "PASS", "not_null_gold"),
        ),
        ("08:01:02  Finished running 3 seeds in 0 hours 0 minutes and 0.52 seconds (0.52s).", None),
        ("", None),
    ],
)
def test_lines_about_nodes(line, step):
    assert parse_step(line) == step


def test_only_the_end_of_a_node_finishes_it():
    assert not Step(1, 2, "START", "x").is_finished
    assert Step(1, 2, "ERROR", "x").is_finished


def test_commands_are_split_at_semicolons():
    assert list(split(["seed", ";", "run", "--select", "a", ";"])) == [["seed"], ["run", "--select", "a"]]
    assert list(split([])) == []


def test_what_reads_the_continuous_tests_is_made_after_them():
    everything = commands("all", selection("all", second_stage=True))
    assert [command[0] for command in everything] == ["seed", "run", "test", "build"]
    assert everything[1:3] == [[name, "--exclude", "monitor_broken_rules+"] for name in ("run", "test")]
    assert everything[3] == ["build", "--select", "monitor_broken_rules+"]
    first_stage = commands("all", selection("all", second_stage=False))
    for command in first_stage:
        assert "tag:second_stage" in command
        assert command[command.index("--vars") + 1] == "{second_stage: false}"
    assert commands("santa", ["--selector", "santa"])[1] == ["run", "--selector", "santa"]


def test_the_environment_is_the_local_stack_s():
    settings = Settings.load(kafka_port=1234, sql_port=5678)
    variables = environment(settings)
    assert variables["KAFKA_BROKERS"] == "127.0.0.1:1234"
    assert (variables["MZ_HOST"], variables["MZ_PORT"]) == ("127.0.0.1", "5678")
    assert variables["DO_NOT_TRACK"] == "1"
    assert variables["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"


def test_a_failing_command_ends_the_sequence(tmp_path):
    command = [sys.executable, "-m", "mzlite.dbt_commands", "no-such-command", ";", "seed", ";"]
    variables = environment(Settings.load(state_dir=tmp_path))
    result = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    assert result.returncode == 1
    assert "$ dbt no-such-command" in result.stdout
    assert "$ dbt seed" not in result.stdout
