"""Keeps a world between two runs, so that orders which were under way go on where they were.

In: a world at rest, or the file that an earlier run wrote. Out: the file, or the world. A file
that cannot be read counts as none: the world then simply begins anew.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from generator.events import SystemWorld
from generator.shares import Shares
from generator.systems import restored_world

FORMAT = 3


def save(world: SystemWorld, file: Path) -> None:
    """Write the world to `file`, all or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_suffix(".new")
    scratch.write_bytes(orjson.dumps({"format": FORMAT, "system": world.name, **world.saved()}))
    scratch.replace(file)


def load(file: Path, system: str, shares: Shares, oldest_ms: int, *, second_stage: bool = False) -> SystemWorld | None:
    """The system's world in `file`; None if there is none like it, or one that stopped before `oldest_ms`."""
    try:
        saved = orjson.loads(file.read_bytes())
        if saved.get("format") != FORMAT or saved.get("system") != system or saved["now_ms"] < oldest_ms:
            return None
        return restored_world(system, shares, saved, second_stage=second_stage)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
