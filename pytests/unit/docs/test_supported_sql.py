"""The page on supported SQL says what the code does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

from mzlite.storage.postgres import Postgres

DOCS = Path(__file__).parents[3] / "docs"


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_supported_sql", DOCS / "generate_supported_sql.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_part_is_in_step(postgres: Postgres) -> None:
    generator = load_generator()
    page = (DOCS / "supported-sql.md").read_text()
    with postgres.connect() as connection:
        part = generator.generated(generator.present_functions(connection))
    # If this fails: python docs/generate_supported_sql.py
    assert generator.page_with(page, part) == page


def test_links_lead_somewhere() -> None:
    for page in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
