"""The long form is started rarely; what it needs to begin is looked at every time."""

import subprocess
import sys


def test_the_command_begins() -> None:
    begun = subprocess.run(
        [sys.executable, "-m", "pytests.faults", "--help"], capture_output=True, text=True, timeout=60
    )
    assert begun.returncode == 0, begun.stderr
    assert "--kills" in begun.stdout
