"""The worked example of docs/testing.md, run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.S | re.M)


def test_the_worked_example(tmp_path: Path) -> None:
    files = dict(FILE.findall((REPOSITORY / "docs" / "testing.md").read_text()))
    assert set(files) == {"dbt_project.yml", "models/open_orders.sql", "models/sources.yml", "test_open_orders.py"}
    for name, text in files.items():
        path = tmp_path / "kitchen" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "mzlite.testing.plugin", "-p", "no:cacheprovider", "."],
        cwd=tmp_path / "kitchen",
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "PYTHONPATH": str(REPOSITORY),
        },
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    left = {str(path.relative_to(tmp_path / "kitchen")) for path in (tmp_path / "kitchen").rglob("*") if path.is_file()}
    assert {name for name in left if not name.endswith(".pyc")} == set(files)
