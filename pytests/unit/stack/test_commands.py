"""What the command says when something is not as it should be: soon, in a sentence, with nothing left running."""

import os
import socket
import sys
import time

import pytest

from stack.broker import free_port
from stack.cli import main
from stack.dbt import connects
from stack.settings import Settings

SOON = 5.0


class Hotplate:
    """The command, in this process, with ports and a state directory of its own."""

    def __init__(self, directory, monkeypatch, capsys):
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.state = directory / "state"
        self.ports = {"sql": free_port(), "kafka": free_port()}
        for name in list(os.environ):
            if name.startswith(("HOTPLATE_", "DBT_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOTPLATE_STATE_DIR", str(self.state))
        for name, port in self.ports.items():
            monkeypatch.setenv(f"HOTPLATE_{name.upper()}_PORT", str(port))
        monkeypatch.setenv("COLUMNS", "200")

    def run(self, *arguments):
        """Exit status and output."""
        self._monkeypatch.setattr(sys, "argv", ["hotplate", *arguments])
        began = time.monotonic()
        with pytest.raises(SystemExit) as ended:
            main()
        assert time.monotonic() - began < SOON
        captured = self._capsys.readouterr()
        return ended.value.code, captured.out + captured.err


@pytest.fixture
def hotplate(tmp_path, monkeypatch, capsys):
    return Hotplate(tmp_path, monkeypatch, capsys)


@pytest.fixture
def taken():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("status",), 3, "mzlite is down; start it with hotplate up, see hotplate logs mzlite"),
        (("down",), 0, "stopped: nothing, neither ran"),
        (("logs",), 1, "there is no log in {state} yet"),
        (("logs", "mzlite", "--follow"), 1, "there is no log of mzlite in {state} yet"),
        (("logs", "nosuch"), 1, "there is no log nosuch; there are broker, mzlite, generator, dbt"),
        (("verify",), 1, "mzlite does not answer on 127.0.0.1:{sql}; start it with hotplate up"),
        (("test-clock", "show"), 1, "mzlite does not answer on 127.0.0.1:{sql}; start it with hotplate up"),
        (("refunds", "list"), 1, "mzlite does not answer on 127.0.0.1:{sql}; start it with hotplate up"),
        (("export", "{state}/out"), 1, "mzlite does not answer on 127.0.0.1:{sql}; start it with hotplate up"),
        (("dbt", "run"), 1, "mzlite does not answer on 127.0.0.1:{sql}; start it with hotplate up"),
        (("dbt", "--debug", "docs", "generate"), 1, "mzlite does not answer on 127.0.0.1:{sql}; start it"),
        (("generate", "--duration", "1"), 1, "127.0.0.1:{kafka}: nothing listens there; is the broker up?"),
        (("generate", "--brokers", "127.0.0.1:1,127.0.0.1:2"), 1, "127.0.0.1:1,127.0.0.1:2: nothing listens there"),
        (("reset", "--yes"), 0, "removed: nothing, there was none"),
        (("backup", "{state}/copy"), 1, "{state}/mzlite is no data directory of mzlite"),
    ],
)
def test_a_stack_that_is_down(hotplate, arguments, status, said):
    values = {"state": hotplate.state, **hotplate.ports}
    found, output = hotplate.run(*(argument.format(**values) for argument in arguments))
    assert said.format(**values) in output
    assert found == status
    assert not hotplate.state.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("generate", "--rate", "-1"), "Invalid value for '--rate'"),
        (("generate", "--rate", "nan"), "Invalid value for '--rate'"),
        (("demo", "--duration", "inf"), "inf is not a finite number"),
        (("generate", "--late", "2"), "Invalid value for '--late'"),
        (("up", "--system", "nosuch"), "there is no system nosuch; there are delivery, "),
        (("generate", "--system", "nosuch"), "there is no system nosuch; there are delivery, "),
        (("demo", "--system", "nosuch"), "there is no system nosuch; there are delivery, "),
        (("export", "out", "--system", "nosuch"), "there is no system nosuch; there are delivery, "),
        (("up", "--kafka-port", "0"), "0 does not fit --kafka-port or HOTPLATE_KAFKA_PORT"),
        (("up", "--kafka-port", "{sql}"), "the broker and mzlite cannot both listen on port {sql}"),
        (("up", "--partitions", "0"), "0 does not fit --partitions or HOTPLATE_PARTITIONS"),
        (("logs", "--lines", "-1"), "Invalid value for '--lines'"),
        (("nosuch",), "No such command 'nosuch'"),
    ],
)
def test_wrong_options(hotplate, arguments, said):
    status, output = hotplate.run(*(argument.format(**hotplate.ports) for argument in arguments))
    assert said.format(**hotplate.ports) in output
    assert status == 2
    assert not hotplate.state.exists()


@pytest.mark.parametrize("name", ["sql", "kafka"])
def test_a_taken_port_is_noticed_before_anything_is_started(hotplate, taken, name):
    status, output = hotplate.run("up", f"--{name}-port", str(taken))
    assert f"port {taken} on 127.0.0.1 is in use" in output
    assert f"--{name}-port or HOTPLATE_{name.upper()}_PORT" in output
    assert status == 1
    assert not hotplate.state.exists()


@pytest.mark.parametrize("command", ["up", "status", "down", "logs", "verify", "generate", "demo", "reset"])
@pytest.mark.parametrize("below", ["", "below"])
def test_a_state_directory_that_is_a_file(hotplate, command, below):
    hotplate.state.touch()
    status, output = hotplate.run(command, "--state-dir", str(hotplate.state / below))
    assert f"{hotplate.state} is no directory; choose another with --state-dir or HOTPLATE_STATE_DIR" in output
    assert status == 2


@pytest.mark.parametrize(
    "noted", ["", "x", "-1", "0", "1", str(2**22 + 1), str(2**80), pytest.param(str(os.getpid()), id="ours")]
)
def test_stale_pid_files(hotplate, noted):
    for file in (hotplate.state / "run" / "mzlite.pid", hotplate.state / "kafka" / "broker.pid"):
        file.parent.mkdir(parents=True)
        file.write_text(noted)
    status, output = hotplate.run("status", "--json")
    assert "mzlite is down" in output
    assert "broker is down" in output
    assert status == 3
    assert hotplate.run("down") == (0, "stopped: nothing, neither ran\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run"], True),
        (["--log-level", "debug", "build", "--select", "ls"], True),
        (["docs", "generate", "--target", "emulator"], True),
        (["docs", "serve"], False),
        (["ls", "--select", "run"], False),
        (["run", "--help"], False),
        (["--version"], False),
        (["debug"], False),
        (["compile", "--no-introspect"], False),
        (["run", "--profiles-dir", "/elsewhere"], False),
        ([], False),
    ],
)
def test_which_commands_of_dbt_need_mzlite(arguments, expected, monkeypatch):
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    assert connects(Settings.load(), arguments) is expected
    monkeypatch.setenv("DBT_PROFILES_DIR", "profiles")
    assert connects(Settings.load(), arguments) is expected
    monkeypatch.setenv("DBT_PROFILES_DIR", "/elsewhere")
    assert not connects(Settings.load(), arguments)
