"""What serves the ticks gives way to them when the machine's processors do not suffice for all.

A tick is one transaction in one session of PostgreSQL: the views are as fresh as that session is quick, whatever the
others do beside it. See docs/decisions/priorities.md.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def lower(pid: int, niceness: int) -> None:
    """Has a process group give way; nothing happens where that is not allowed or the process has gone.

    Linux shares processors between sessions first (autogroups, sched(7)) and only within one by niceness: both are set.

    Args:
        pid: of a process that leads a session of its own.
        niceness: 0 for the usual share, up to 19.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PGRP, pid, niceness)
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))
