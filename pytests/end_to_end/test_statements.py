"""Conversations with one server: statements and what comes back, as text files.

Each file in `statements/` has titled parts. Within a part a line beginning with `> ` is a statement (it goes on over
lines that are indented), lines beginning with `< ` are what it copies, what follows is the answer: the rows as `a | b`, the
command tag, or the error. A name before the `>` is the user of another session (`mz_system> alter system ..`), with a
number if he has several (`materialize2>`).
A part begins with an empty schema `part`, in which its sessions are.
With HOTPLATE_ACCEPT=1 in the environment the answers are written into the files instead of compared; read the
difference before committing it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from psycopg import pq

from pytests.end_to_end.running import RunningServer

DIRECTORY = Path(__file__).parent / "statements"
ACCEPT = os.environ.get("HOTPLATE_ACCEPT") == "1"
_PROMPT = re.compile(r"^([a-z_]*)(\d*)> (.*)$")
_MOMENT = re.compile(r"\b1\d{12}\b")
"""Milliseconds since 1970, which no two runs share."""
_ID = re.compile(r"\bUser\(\d+\)")
"""An object's id, which depends on what was made before."""
_FIELD = pq.DiagnosticField


@dataclass
class Step:
    """One statement, who sends it, and the answer."""

    user: str
    sql: list[str]
    data: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        prompt = "" if self.user == "materialize" else self.user
        return [
            f"{prompt}> {self.sql[0]}",
            *(f"    {line}" for line in self.sql[1:]),
            *(f"< {line}" for line in self.data),
            *self.answer,
        ]


@dataclass
class Part:
    """A conversation."""

    path: Path
    title: str
    steps: list[Step] = field(default_factory=list)


def parts() -> list[Part]:
    found: list[Part] = []
    for path in sorted(DIRECTORY.glob("*.txt")):
        for line in path.read_text().splitlines():
            prompt = _PROMPT.match(line)
            if line.startswith("-- "):
                found.append(Part(path, line.removeprefix("-- ")))
            elif prompt is not None:
                name, number, sql = prompt.groups()
                found[-1].steps.append(Step((name or "materialize") + number, [sql]))
            elif line.startswith("< "):
                found[-1].steps[-1].data.append(line.removeprefix("< "))
            elif line.startswith("    ") and not found[-1].steps[-1].answer:
                found[-1].steps[-1].sql.append(line.strip())
            elif line:
                found[-1].steps[-1].answer.append(line)
    return found


class Talk:
    """The sessions of one part."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sessions: dict[str, pq.PGconn] = {}
        self.notices: list[str] = []
        self.data = b""

    def say(self, user: str, sql: str, data: list[str]) -> list[str]:
        session = self.session(user)
        self.notices = []
        self.data = "".join(line + "\n" for line in data).encode()
        session.send_query(sql.encode())
        lines: list[str] = []
        while (result := session.get_result()) is not None:
            lines += self._answer(session, result)
        return self.notices + lines

    def session(self, user: str) -> pq.PGconn:
        if user not in self.sessions:
            name = user.rstrip("0123456789")
            text = f"host=127.0.0.1 port={self.port} user={name} dbname=materialize options=--welcome_message=off"
            session = pq.PGconn.connect(text.encode())
            assert session.status == pq.ConnStatus.OK, session.error_message
            session.notice_handler = lambda result: self.notices.append(
                f"{_text(result, _FIELD.SEVERITY)}: {_text(result, _FIELD.MESSAGE_PRIMARY)}"
            )
            self.sessions[user] = session
            session.exec_(b"set search_path = part")
        return self.sessions[user]

    def _answer(self, session: pq.PGconn, result: pq.abc.PGresult) -> list[str]:
        match result.status:
            case pq.ExecStatus.TUPLES_OK:
                names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
                rows = [
                    [_value(result.get_value(row, column)) for column in range(result.nfields)]
                    for row in range(result.ntuples)
                ]
                return [" | ".join(names), *(f": {' | '.join(row)}" for row in rows)]
            case pq.ExecStatus.COMMAND_OK:
                return [(result.command_status or b"").decode()]
            case pq.ExecStatus.COPY_OUT:
                lines = []
                while True:
                    count, data = session.get_copy_data(0)
                    if count <= 0:
                        return lines
                    lines.append(": " + repr(bytes(data))[2:-1])
            case pq.ExecStatus.COPY_IN:
                session.put_copy_data(self.data)
                session.put_copy_end()
                return []
            case pq.ExecStatus.EMPTY_QUERY:
                return ["(empty)"]
            case _:
                lines = [f"ERROR {_text(result, _FIELD.SQLSTATE)}: {_text(result, _FIELD.MESSAGE_PRIMARY)}"]
                for name, key in (("DETAIL", _FIELD.MESSAGE_DETAIL), ("HINT", _FIELD.MESSAGE_HINT)):
                    if text := _text(result, key):
                        lines.append(f"{name}: {text}")
                return lines

    def end(self) -> None:
        for session in self.sessions.values():
            session.finish()


def _text(result: pq.abc.PGresult, key: pq.DiagnosticField) -> str:
    return (result.error_field(key) or b"").decode()


def _value(value: bytes | None) -> str:
    return "null" if value is None else value.decode()


PARTS = parts()


@pytest.mark.parametrize("part", PARTS, ids=[f"{part.path.stem}: {part.title}" for part in PARTS])
def test_conversations(server: RunningServer, part: Part) -> None:
    talk = Talk(server.port)
    first = talk.session("materialize")
    try:
        for sql in (b"create schema if not exists part", b"drop schema part cascade", b"create schema part"):
            assert first.exec_(sql).status == pq.ExecStatus.COMMAND_OK
        for step in part.steps:
            said = "\n".join(talk.say(step.user, "\n".join(step.sql), step.data))
            answer = [line for line in _ID.sub("User(<id>)", _MOMENT.sub("<moment>", said)).split("\n") if line]
            if ACCEPT:
                step.answer = answer
            else:
                assert answer == step.answer, "\n".join(step.sql)
    finally:
        talk.end()


def test_accepted_answers_are_written() -> None:
    """Only when asked for: the files get the answers that came."""
    if not ACCEPT:
        return
    for path in {part.path for part in PARTS}:
        texts = [
            "\n".join([f"-- {part.title}", *(line for step in part.steps for line in step.lines())])
            for part in PARTS
            if part.path == path
        ]
        path.write_text("\n\n".join(texts) + "\n")
