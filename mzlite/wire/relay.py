"""The backend's side of a session: what PostgreSQL answers, on its way to the client.

In: chunks of bytes from the backend and the queue of answers that the session expects. Out: the messages for the
client: rows and type oids adapted, errors in Materialize's words, answers that only mzlite asked for left out. It
also keeps what the session has to know: the transaction status, whether something was written, whether a COPY waits
for the client's data.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from mzlite.dialect.statements import CopyOut, Statement
from mzlite.errors import MzError
from mzlite.wire.descriptions import Descriptions
from mzlite.wire.errors import ConnectionLostError, Translate, error_response
from mzlite.wire.lines import Lines
from mzlite.wire.messages import COPY_DONE, CommandComplete, CopyOutResponse, ErrorResponse, NoticeResponse
from mzlite.wire.rows import COPY_DATA, DATA_ROW, RowAdapter, run_end
from mzlite.wire.stream import ChunkStream, ConnectionClosedError, MessageStream

log = structlog.get_logger(__name__)

IDLE = b"I"
IN_TRANSACTION = b"T"
FAILED = b"E"

_WRITE_TAGS = ("INSERT", "UPDATE", "DELETE", "MERGE")


class BackendClosedError(ConnectionLostError):
    """The backend is gone; what it had to say has been passed on."""


@dataclass(slots=True)
class Prepared:
    """A prepared statement.

    Attributes:
        statement: None when the client prepared it by an SQL statement that was relayed.
        columns: (type oid, format code) of each result column once it has been described.
        moment, refusal: what has become of its AS OF since it was prepared, for the next portal.
    """

    statement: Statement | None
    columns: tuple[tuple[int, int], ...] | None = None
    described: bool = False
    moment: int | None = None
    refusal: MzError | None = None


@dataclass(slots=True)
class Portal:
    """A bound statement; `adapter` is known once its columns are. `held` is the rest of an own result, `moment` the one
    of AS OF, and `refusal` what executing it is answered with."""

    prepared: Prepared
    result_formats: tuple[int, ...] = ()
    adapter: RowAdapter | None = None
    described: bool = False
    held: object | None = None
    moment: int | None = None
    refusal: MzError | None = None


_WRONG_TARGET = frozenset({"42501", "42703", "55000"})
"""PostgreSQL's refusals to write what is no table, or a column that is not there,"""
_NO_RELATION = frozenset({"42P01"})
"""and to read what is no relation."""


@dataclass(slots=True)
class Expected:
    """One answer that the backend owes.

    Attributes:
        kind: parse, bind, describe, execute, close, sync or query.
        silent: the client did not ask for it and gets nothing of it.
        reported: it gets the error, though.
        prepared, portal: what it is about.
        statements: those of a query, in order.
        sql: the text that the backend was sent, where an error can lie in it.
        error: what the client gets instead of the error that comes after `error_after` completed statements.
        on_error: called when it has failed or was skipped because of an earlier failure.
    """

    kind: str
    silent: bool = False
    reported: bool = False
    prepared: Prepared | None = None
    portal: Portal | None = None
    statements: Sequence[Statement] = ()
    sql: str | None = None
    error: MzError | None = None
    error_after: int = 0
    completed: int = 0
    on_error: Callable[[], None] | None = None


@dataclass(slots=True)
class _Rest:
    """The beginning of a message whose end has not arrived."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    needed: int = 0


class Relay:
    """Passes a backend's answers on to a client.

    Attributes:
        expected: what the backend still owes, oldest first.
        status: I, T or E as the backend last said.
        failed: an error came since the session last cleared this.
        skipping: the backend ignores everything up to the next Sync.
        unreported: and the client has not been told why.
        dirty: something was written in the current transaction.
        copying_in: a COPY waits for the client's data.
        hold: the client's output stays queued, because a commit has yet to be absorbed.
        ended: the backend has said that it goes, and the client knows why.
        last_tag: the tag of the last completed command.
        discarded: DISCARD ALL, DISCARD TEMP or DEALLOCATE ALL when that has run since the session last cleared this.
    """

    def __init__(
        self,
        client: MessageStream,
        backend: ChunkStream,
        descriptions: Descriptions,
        translate: Translate,
        refine: Callable[[Statement | None, MzError], MzError] = lambda _, error: error,
    ) -> None:
        self.client = client
        self.backend = backend
        self.descriptions = descriptions
        self.translate = translate
        self.refine = refine
        self.expected: deque[Expected] = deque()
        self.status = IDLE
        self.failed = False
        self.skipping = False
        self.unreported = False
        self.dirty = False
        self.copying_in = False
        self.hold = False
        self.ended = False
        self.last_tag = ""
        self.discarded = ""
        self._silent_error: MzError | None = None
        self._was_copy_in = False
        self._query_adapter: RowAdapter | None = None
        self._copied: Lines | None = None
        self._gives_rows = False  # the statement that runs has a result
        self._passing = 0  # bytes of a row still to come that go out as they are
        self._rest = _Rest()

    async def pump(self) -> None:
        """Pass answers on until nothing is owed any more, or a COPY wants the client's data.

        Raises:
            BackendClosedError: the backend is gone.
            ConnectionClosedError: the client is gone.
        """
        while self.expected and not self.copying_in:
            await self.pump_once()

    async def pump_once(self) -> None:
        """Pass on what has arrived, or the next chunk that does."""
        # Written without waiting for the backend to take it: it may itself wait for us to take its answers.
        self.backend.write_queued()
        if not self.backend.has_data and not self.hold:
            # Earlier answers do not wait for this one.
            self.client.write_queued()
        if self.client.closed and not self.backend.has_data:
            # It went before there was anything to wait for, so that nothing has ended what runs now.
            raise ConnectionClosedError
        try:
            data = await self.backend.read_chunk()
        except ConnectionClosedError as error:
            raise BackendClosedError from error
        self.feed(data)
        # The end of the answer stays queued: what the session adds goes out with it in one write.
        if self.expected and not self.hold:
            await self.client.flush()

    def take_silent_error(self) -> MzError | None:
        """The error of something silent since this was last asked."""
        error, self._silent_error = self._silent_error, None
        return error

    def feed(self, data: bytes) -> None:
        """Pass one chunk on."""
        if self._passing:
            taken = min(self._passing, len(data))
            self._passing -= taken
            self.client.send(data[:taken] if taken < len(data) else data)
            if taken == len(data):
                return
            data = data[taken:]
        rest = self._rest
        if rest.parts:
            rest.parts.append(data)
            rest.size += len(data)
            if rest.size < rest.needed:
                return
            data = b"".join(rest.parts)
            rest.parts.clear()
        position, size = 0, len(data)
        while size - position >= 5:
            kind = data[position]
            if kind in (DATA_ROW, COPY_DATA):
                after = self._run(kind, data, position)
                if after == position:
                    break
                position = after
            else:
                end = position + 1 + int.from_bytes(data[position + 1 : position + 5], "big")
                if end > size:
                    break
                self._message(kind, data[position:end])
                position = end
        if position < size:
            rest.parts.append(data[position:] if position else data)
            rest.size = size - position
            rest.needed = 5
            if rest.size >= 5:
                rest.needed = 1 + int.from_bytes(data[position + 1 : position + 5], "big")

    def _run(self, kind: int, data: bytes, position: int) -> int:
        """Pass on a run of rows; returns where it ends, `position` if not even one row is there."""
        current = self.expected[0] if self.expected else None
        output: list[bytes]
        if current is None or current.silent:
            end = run_end(data, position, kind)
            if end > len(data):
                return position
            return end
        adapter = None
        if self._copied is not None and kind == DATA_ROW:
            output = []
            end = self._copied.adapt(data, position, output)
            for part in output:
                self.client.send(part)
            return end
        if kind == DATA_ROW:
            adapter = self._query_adapter if current.portal is None else current.portal.adapter
        if adapter is not None and adapter.needed:
            output = []
            end = adapter.adapt(data, position, output)
            for part in output:
                self.client.send(part)
            return end
        end = run_end(data, position, kind)
        size = len(data)
        if end > size:
            self._passing = end - size
            end = size
        self.client.send(data if position == 0 and end == size else data[position:end])
        return end

    def _message(self, kind: int, message: bytes) -> None:
        """Handle one whole message that is neither a row nor copied data."""
        code = chr(kind)
        if code in "SA":
            return  # settings are reported as the session's, and nothing is notified
        current = self.expected[0] if self.expected else None
        if code == "N":
            if current is None or not current.silent:
                self.client.send(NoticeResponse.decode(message[5:]).encode())
            return
        if current is None:
            if code == "E":
                self._error(None, message)
            else:
                log.warning("unexpected message from the backend", kind=code)
            return
        match code:
            case "Z":
                self._ready(message)
            case "E":
                self._error(current, message)
            case "C" | "I" | "s":
                self._complete(current, code, message)
            case "T" | "n" | "t":
                self._description(current, code, message)
            case "G":
                self._copy_in(current, message)
            case "1" | "2" | "3":
                self.expected.popleft()
                if not current.silent:
                    self.client.send(message)
            case _:
                if not current.silent:
                    self.client.send(message)

    def _ready(self, message: bytes) -> None:
        self.status = message[5:6]
        self.skipping = self.unreported = False
        self.copying_in = self._was_copy_in = False
        # Whatever was skipped after an error is answered by this.
        while self.expected and self.expected.popleft().kind not in ("sync", "query"):
            pass

    def _complete(self, current: Expected, code: str, message: bytes) -> None:
        if code == "C":
            tag = message[5:-1].decode()
            if not current.silent:
                self.last_tag = tag
            if tag in ("DISCARD ALL", "DEALLOCATE ALL", "DISCARD TEMP"):
                self.discarded = tag
            if tag.startswith(_WRITE_TAGS) or self._was_copy_in:
                self.dirty = True
            self._was_copy_in = False
            if self.dirty and (self.status != IN_TRANSACTION or tag == "COMMIT"):
                self.hold = True
            if self._copied is not None:
                self._copied = None
                self.client.send(COPY_DONE)
                message = CommandComplete(f"COPY {tag.rpartition(' ')[2]}").encode()
            gave_rows = self._gives_rows if current.portal is None else current.portal.adapter is not None
            if gave_rows and tag.startswith("INSERT "):
                # INSERT .. RETURNING answers as a query does.
                message = CommandComplete(f"SELECT {tag.rpartition(' ')[2]}").encode()
        self._gives_rows = False
        if not current.silent:
            self.client.send(message)
        current.completed += 1
        if current.kind == "execute":
            self.expected.popleft()

    def _description(self, current: Expected, code: str, message: bytes) -> None:
        if code == "t":
            if not current.silent:
                self.client.send(self.descriptions.parameters(message))
            return
        columns: tuple[tuple[int, int], ...] = ()
        if code == "T":
            message, columns, adapter = self.descriptions.rows(message)
        else:
            adapter = None
        if current.kind == "describe":
            self.expected.popleft()
            if current.prepared is not None:
                current.prepared.columns = columns
            if current.portal is not None:
                current.portal.adapter = adapter
        else:
            self._query_adapter = adapter
            self._gives_rows = adapter is not None
            statement = _statement_of(current)
            if isinstance(statement, CopyOut) and adapter is not None and current.kind == "query":
                self._copied = Lines(adapter, len(columns), statement.copy_format)
                message = CopyOutResponse(0, (0,) * len(columns)).encode()
        if not current.silent:
            self.client.send(message)

    def _copy_in(self, current: Expected, message: bytes) -> None:
        self.copying_in = self._was_copy_in = True
        if not current.silent:
            self.client.send(message)
        # In this mode the backend ignores a Sync that it has already been sent.
        if current.kind == "execute":
            while self.expected and self.expected[-1].kind == "sync":
                self.expected.pop()

    def _error(self, current: Expected | None, message: bytes) -> None:
        fields = ErrorResponse.decode(message[5:]).fields
        fatal = fields.get("V", fields.get("S")) in ("FATAL", "PANIC")
        if current is not None and current.error is not None and current.completed >= current.error_after:
            error = current.error
        else:
            error = self.translate(fields, current.sql if current is not None else None)
            statement = _statement_of(current) if current is not None else None
            if fields.get("C") in (_NO_RELATION if getattr(statement, "target", ()) == () else _WRONG_TARGET):
                error = self.refine(statement, error)
        self.failed = True
        self._copied = None
        self.copying_in = self._was_copy_in = self._gives_rows = False
        if current is not None and current.silent and not current.reported:
            self._silent_error = error
        else:
            self.client.send(error_response(error, "FATAL" if fatal else "ERROR"))
            self.ended = fatal
        if current is None or current.kind == "query":
            return
        while self.expected and self.expected[0].kind != "sync":
            skipped = self.expected.popleft()
            if skipped.on_error is not None:
                skipped.on_error()
        self.skipping = not self.expected
        self.unreported = self.skipping and current.silent and not current.reported


def _statement_of(expected: Expected) -> Statement | None:
    """The statement that has failed, as far as that is known."""
    if expected.completed < len(expected.statements):
        return expected.statements[expected.completed]
    prepared = expected.prepared
    if prepared is None and expected.portal is not None:
        prepared = expected.portal.prepared
    return prepared.statement if prepared is not None else None
