"""Which value wins: option, environment, what `up` wrote down, default."""

import os

import pytest

from stack.errors import OptionError, StackError
from stack.settings import Settings


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("HOTPLATE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "dbt_project.yml").touch()
    return tmp_path


def test_defaults():
    settings = Settings.load()
    assert settings.brokers == "127.0.0.1:9092"
    assert settings.sql_address == "127.0.0.1:6875"
    assert settings.state == settings.project_dir / ".hotplate"


def test_precedence(project, monkeypatch):
    Settings.load(project_dir=project, kafka_port=1001, sql_port=1002, partitions=3).remember()
    remembered = Settings.load(project_dir=project)
    assert (remembered.kafka_port, remembered.sql_port, remembered.partitions) == (1001, 1002, 3)
    monkeypatch.setenv("HOTPLATE_SQL_PORT", "2002")
    assert Settings.load(project_dir=project).sql_port == 2002
    assert Settings.load(project_dir=project, sql_port=3003).sql_port == 3003
    assert Settings.load(project_dir=project).kafka_port == 1001


def test_another_state_directory_has_its_own_memory(project):
    Settings.load(project_dir=project, kafka_port=1001).remember()
    assert Settings.load(project_dir=project, state_dir="other").kafka_port == 9092


def test_a_broken_memory_counts_as_none(project):
    settings = Settings.load(project_dir=project, kafka_port=1001)
    settings.remember()
    (settings.run_dir / "stack.json").write_text("{")
    assert Settings.load(project_dir=project).kafka_port == 9092


@pytest.mark.parametrize(("name", "value"), [("sql_port", 0), ("kafka_port", 70_000), ("partitions", 0)])
def test_values_out_of_range_are_named(project, name, value):
    with pytest.raises(
        OptionError, match=f"{value} does not fit --{name.replace('_', '-')} or HOTPLATE_{name.upper()}: "
    ):
        Settings.load(project_dir=project, **{name: value})


def test_a_directory_without_a_project_is_refused(tmp_path):
    with pytest.raises(StackError, match="dbt_project"):
        Settings.load(project_dir=tmp_path)
