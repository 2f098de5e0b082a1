"""Tests of a dbt project, or of any program, against a real mzlite: a plugin for pytest and what its fixture gives.

In: a test that asks for the fixture `mzlite`. Out: a database of its own on a running server, with a clock that the
test holds; helpers to write, to move time, to subscribe, to run dbt and to compare. docs/testing.md shows how.
"""

from mzlite.testing.clock import HeldClock
from mzlite.testing.database import Mzlite
from mzlite.testing.dbt import DbtResult
from mzlite.testing.server import MzliteServer
from mzlite.testing.subscription import Change, Changes
from mzlite.testing.topics import Topic

__all__ = ["Change", "Changes", "DbtResult", "HeldClock", "Mzlite", "MzliteServer", "Topic"]
