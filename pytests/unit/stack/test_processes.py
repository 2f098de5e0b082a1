"""Real processes: started, found again, stopped, and never mistaken for others."""

import socket
import subprocess
import sys
import time

import pytest

from stack.errors import StackError
from stack.processes import Daemon, require_free_port


def daemon(tmp_path, code, name="sleeper"):
    return Daemon(
        name,
        [sys.executable, "-c", code, f"--mark={tmp_path}"],
        mark=str(tmp_path),
        pid_file=tmp_path / "run" / "pid",
        log_file=tmp_path / "logs" / "log",
        environment={"GREETING": "hello"},
    )


SLEEP = "import os, time; print(os.environ['GREETING'], flush=True); time.sleep(60)"


def test_start_find_stop(tmp_path):
    first = daemon(tmp_path, SLEEP)
    first.start(lambda: "hello" in first.tail())
    # Another command finds it through the pid file.
    second = daemon(tmp_path, SLEEP)
    assert second.process is not None
    assert second.process.pid == first.process.pid
    assert first.stop()
    assert first.process is None
    assert second.process is None
    assert not second.stop()


def test_one_that_ignores_sigterm_is_killed(tmp_path):
    stubborn = daemon(tmp_path, "import signal; signal.signal(15, signal.SIG_IGN); " + SLEEP)
    stubborn.start(lambda: "hello" in stubborn.tail())
    began = time.monotonic()
    assert stubborn.stop(timeout=0.3)
    assert stubborn.process is None
    assert time.monotonic() - began < 10


def test_one_that_ends_at_once_shows_its_last_words(tmp_path):
    broken = daemon(tmp_path, "raise SystemExit('no disk')")
    with pytest.raises(StackError, match=r"(?s)sleeper ended with status 1.*no disk"):
        broken.start(lambda: False)
    assert broken.process is None


def test_one_that_never_gets_ready_is_stopped(tmp_path):
    slow = daemon(tmp_path, SLEEP)
    with pytest.raises(StackError, match=r"not ready within 0\.2 s"):
        slow.start(lambda: False, timeout=0.2)
    assert slow.process is None


def test_a_recycled_process_id_is_left_alone(tmp_path):
    innocent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        ours = daemon(tmp_path, SLEEP)
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "pid").write_text(str(innocent.pid))
        assert ours.process is None
        assert not ours.stop()
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_a_taken_port_is_named_with_the_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {port} .* in use.*--sql-port"):
            require_free_port(port, "mzlite", "--sql-port")
    require_free_port(port, "mzlite", "--sql-port")
