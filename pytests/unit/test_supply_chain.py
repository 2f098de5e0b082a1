"""What is installed: locked with hashes, by licences that fit.

An audit for known vulnerabilities needs a database from the network and is no part of the tests: `pip-audit -r
requirements.lock` is the command where there is one. What can be told without: that nothing is installed that is not
locked by hash, that the lock has what is asked for, and the licences.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LOCK = (REPOSITORY / "requirements.lock").read_text()
PERMISSIVE = re.compile(
    r"apache|mit\b|bsd|isc|python software foundation|psf|mozilla|mpl|unlicense|zlib|0bsd|public domain|cc0|lgpl|lesser|artistic",
    re.I,
)
KNOWN = frozenset({"pglast"})
"""GPL-3.0-or-later: PostgreSQL's parser, imported by the engine; whoever passes the whole on has to heed its licence."""
NEVER = re.compile(r"\b(agpl|affero|sspl|busl|business source|commons clause)\b", re.I)


def locked() -> dict[str, list[str]]:
    """The hashes of each locked package."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", LOCK):
        name = re.match(r"([A-Za-z0-9._-]+)==", block)
        if name is not None:
            found[canonical(name[1])] = re.findall(r"--hash=sha256:[0-9a-f]{64}", block)
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_locked_package_has_hashes() -> None:
    packages = locked()
    assert len(packages) > 50
    assert [name for name, hashes in packages.items() if not hashes] == []


def test_what_is_asked_for_is_locked() -> None:
    asked = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?[<>=;]", (REPOSITORY / "requirements.in").read_text(), re.M)
    assert {canonical(name) for name in asked} <= locked().keys()


def test_licences_fit() -> None:
    wrong = []
    for name in locked().keys() - KNOWN:
        try:
            about = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform
        texts = [about.get("License-Expression") or "", (about.get("License") or "")[:200]]
        texts += [line for line in about.get_all("Classifier") or () if line.startswith("License")]
        text = " ".join(texts)
        if NEVER.search(text) or (text.strip() and not PERMISSIVE.search(text)):
            wrong.append((name, text))
    assert wrong == []
