"""What holds for every command of `hotplate`."""

import subprocess
import sys


def test_a_command_that_freezes_the_garbage_collector_ends_silently():
    """`hotplate generate` does; a library that is loaded for nothing complained about it in fifty lines."""
    code = "import gc, stack.cli; gc.freeze()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("", "")
