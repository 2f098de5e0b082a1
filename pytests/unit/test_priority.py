"""The share of the processors that a process gets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mzlite.priority import lower

CHILD = "import threading, sys; threading.Thread(target=sys.stdin.read).start(); print('ready', flush=True)"


def test_a_session_gives_way_with_all_its_threads() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        before = os.getpriority(os.PRIO_PROCESS, 0)
        lower(child.pid, min(before + 3, 19))
        threads = [int(thread.name) for thread in Path(f"/proc/{child.pid}/task").iterdir()]
        assert len(threads) == 2
        assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {min(before + 3, 19)}
        child.stdin.close()
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_a_session_has_a_share_of_its_own() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        share = Path(f"/proc/{child.pid}/autogroup")
        if not share.exists():
            child.terminate()
            pytest.skip("the kernel has no autogroups")
        lower(child.pid, 7)
        assert share.read_text().rstrip().endswith("nice 7")
        child.terminate()


def test_a_process_that_has_gone_is_no_error() -> None:
    with subprocess.Popen(["true"], start_new_session=True) as child:
        pass
    lower(child.pid, 5)
