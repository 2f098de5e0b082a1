"""Writes the generated part of supported-sql.md: types, operators and functions.

In: the dialect's data (what Materialize has, recorded from it), the functions of a freshly made inner
PostgreSQL (what mzlite has), and differences.tsv (recorded answers that differ). Out: the lines between the
two markers of the page.

    python docs/generate_supported_sql.py
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import psycopg

from mzlite.dialect.functions import FUNCTIONS, OPERATORS, TYPES, UNMATERIALIZABLE, VALUE_FUNCTIONS, FunctionInfo
from mzlite.dialect.rewritten import ROWS_BY_WIDTH
from mzlite.storage.bootstrap import bootstrap
from mzlite.storage.postgres import Postgres

PAGE = Path(__file__).with_name("supported-sql.md")
DIFFERENCES = Path(__file__).with_name("differences.tsv")
BEGIN, END = "<!-- generated from here -->", "<!-- generated to here -->"
SHOWN_SCHEMAS = ("mz_catalog", "pg_catalog")
INTERNAL = ("recv", "send", "typmodin", "typmodout")
"""Endings of functions that only PostgreSQL's own machinery calls."""
WIDTH = 118

Arities = Mapping[str, Sequence[tuple[int, int | None]]]
"""Function name -> the numbers of arguments of its forms: (fewest, most), most None for a variadic one."""


def present_functions(connection: psycopg.Connection) -> Arities:
    """The functions of the inner PostgreSQL."""
    rows = connection.execute(
        "select proname, pronargs - pronargdefaults - (provariadic <> 0)::int,"
        " case when provariadic = 0 then pronargs end from pg_catalog.pg_proc"
    ).fetchall()
    found: dict[str, list[tuple[int, int | None]]] = {}
    for name, fewest, most in rows:
        found.setdefault(name, []).append((fewest, most))
    return found


def is_present(info: FunctionInfo, present: Arities) -> bool:
    """Whether mzlite has a form of a function with as many arguments as one of Materialize's."""
    if info.name in VALUE_FUNCTIONS or info.name in ROWS_BY_WIDTH:
        return True  # part of the grammar, or called under another name
    return any(
        fewest <= low and (most is None or (high is not None and most >= high))
        for low, high in info.arities
        for fewest, most in present.get(info.name, ())
    )


def wrapped(names: Iterable[str]) -> Iterator[str]:
    """Names in code style, separated by spaces, in lines of a readable length."""
    line = ""
    for name in sorted(set(names)):
        item = f"`{name}`"
        if line and len(line) + 1 + len(item) > WIDTH:
            yield line
            line = item
        else:
            line = f"{line} {item}" if line else item
    yield line or "none"


def recorded_differences() -> Iterator[str]:
    """The rows of the table of recorded answers that mzlite does not give."""
    with DIFFERENCES.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield f"| `{row['statement'].replace('|', chr(92) + '|')}` | {row['reason']} |"


def generated(present: Arities) -> str:
    """The generated part of the page."""
    shown = [info for info in FUNCTIONS.values() if info.schema in SHOWN_SCHEMAS and not info.name.endswith(INTERNAL)]
    lines = [
        "### Types",
        "",
        *wrapped(TYPES),
        "",
        "Arrays, lists and maps of these, and types of one's own over them.",
        "",
    ]
    lines += ["### Operators", "", *wrapped(OPERATORS), ""]
    titles = {
        "scalar": "Functions",
        "aggregate": "Aggregates",
        "window": "Window functions",
        "table": "Table functions",
    }
    for kind, title in titles.items():
        names = [info.name for info in shown if info.kind == kind and is_present(info, present)]
        lines += [f"### {title}", "", *wrapped(names), ""]
    lines += [
        "### Not in maintained views",
        "",
        "Their value is that of a session or a moment (`mz_now` may stand in filters):",
    ]
    lines += ["", *wrapped(name for name in UNMATERIALIZABLE if name != "mz_now"), ""]
    missing = [info.name for info in shown if not is_present(info, present)]
    lines += ["### In Materialize, not in mzlite", "", *wrapped(missing), ""]
    internal = [info for info in FUNCTIONS.values() if info.schema == "mz_internal" and not is_present(info, present)]
    lines += ["and of the internal ones:", "", *wrapped(info.name for info in internal), ""]
    lines += ["### Answers that differ from the recorded ones", ""]
    lines += ["Of the statements that were recorded from a running Materialize; a test replays them all.", ""]
    lines += ["| statement | why |", "| --- | --- |", *recorded_differences()]
    return "\n".join(lines)


def page_with(text: str, part: str) -> str:
    """The page with its generated part replaced."""
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}\n\n{part}\n\n{END}{tail}"


def main() -> None:
    """Brings the page up to date."""
    with tempfile.TemporaryDirectory() as directory:
        server = Postgres(Path(directory), shared_buffers_mb=32)
        server.start()
        try:
            bootstrap(server)
            with server.connect() as connection:
                part = generated(present_functions(connection))
        finally:
            server.stop()
    PAGE.write_text(page_with(PAGE.read_text(), part))


if __name__ == "__main__":
    main()
