"""Where the bench keeps what it needs, and how it gets there: an environment and jars of its own.

In: the registries, through pip and Maven, once. Out: paths. The peers pin old versions of many packages, so they
have a virtual environment of their own, from bench/requirements.lock; the lock's contents name its directory.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import tomllib
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parent
ROOT = BENCH.parent
RESULTS = BENCH / "results"
SETTINGS = BENCH / "peers" / "settings.toml"
LOCK = BENCH / "requirements.lock"
HOME = ROOT / ".hotplate" / "bench"
BROKER_JARS = ROOT / ".hotplate" / "jars"

Tell = Callable[[str], None]


class BenchError(Exception):
    """The measurement cannot be made; the text says why."""


def settings(section: str) -> dict[str, Any]:
    """One section of bench/peers/settings.toml."""
    return dict(tomllib.loads(SETTINGS.read_text())[section])


def peers_python(tell: Tell) -> Path:
    """The interpreter of the peers' environment, which is made at the first call (700 MB, a few minutes).

    Raises:
        BenchError: pip failed.
    """
    target = HOME / f"venv-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    python = target / "bin" / "python"
    done = target / "complete"
    if not done.exists():
        tell("installing the peers into an environment of their own (a few minutes the first time)")
        shutil.rmtree(target, ignore_errors=True)
        venv.create(target, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]
        # The lock names everything, so pip need not resolve anything.
        _run([*install, "--no-deps", "--require-hashes", "--requirement", str(LOCK)], "the peers' packages")
        done.touch()
    return python


def package_dir(python: Path, package: str) -> Path:
    """Where a package of the peers' environment is."""
    version = next((python.parents[1] / "lib").glob("python3*"))
    found = version / "site-packages" / package
    if not found.is_dir():
        raise BenchError(f"{package} is not in {python.parents[1]}")
    return found


def maven_jars(name: str, tell: Tell) -> Path:
    """A directory with the jars that settings.toml names for a peer; copied by Maven at the first call.

    One by one and without what they depend on: Spark's parent pom names a repository of its own.

    Raises:
        BenchError: Maven is missing or failed.
    """
    wanted: list[str] = settings(name)["jars"]
    target = HOME / "jars" / f"{name}-{hashlib.sha256(' '.join(wanted).encode()).hexdigest()[:12]}"
    if target.is_dir():
        return target
    maven = shutil.which("mvn")
    if maven is None:
        raise BenchError("Maven is needed to fetch the peers' jars, and no mvn is on the PATH")
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="download-", dir=target.parent))
    try:
        for artifact in wanted:
            tell(f"fetching {artifact}")
            copy = [maven, "--batch-mode", "--quiet", f"{settings('maven')['plugin']}:copy"]
            _run([*copy, f"-Dartifact={artifact}", f"-DoutputDirectory={scratch}"], artifact)
        # A rename is all or nothing: an interrupted download never looks complete.
        scratch.rename(target)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return target


def _run(command: list[str], what: str) -> None:
    result = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BenchError(f"{what} could not be fetched:\n{(result.stdout + result.stderr)[-2000:]}")
