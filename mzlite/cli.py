"""The command `mzlite`.

In: command line and MZLITE_ environment variables. Out: a running server and its exit status.
"""

from __future__ import annotations

import enum
import ipaddress
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from mzlite.dataflow.engine import EngineOptions
from mzlite.errors import MzError, reason
from mzlite.server import ServerOptions, run
from mzlite.storage.backup import BackupError, back_up, restore
from mzlite.storage.bootstrap import FormatError
from mzlite.storage.errors import PostgresError
from mzlite.wire.options import WireOptions
from mzlite.wire.tls import Tls, load_tls


class Authentication(enum.Enum):
    """Whether clients have to prove who they are."""

    NONE = "none"
    PASSWORD = "password"


class LogFormat(enum.Enum):
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


class TlsMode(enum.Enum):
    """Whether connections are encrypted."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"


app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """mzlite: Materialize's SQL in one process, on an embedded PostgreSQL."""
    # PGOPTIONS and the like are meant for the user's psql; libpq would apply them to the inner PostgreSQL, too.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


@app.command()
def serve(
    data: Annotated[Path, typer.Option(help="Directory for everything that is kept.", envvar="MZLITE_DATA")],
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one.", envvar="MZLITE_LISTEN")] = (
        "127.0.0.1:6875"
    ),
    shared_buffers: Annotated[
        int | None, typer.Option(min=1, help="PostgreSQL's buffer cache in MiB.", envvar="MZLITE_SHARED_BUFFERS")
    ] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Sessions at the same time.")] = 500,
    login_timeout: Annotated[float, typer.Option(min=0.001, help="Seconds for a client to log in.")] = 60.0,
    reserved_connections: Annotated[int, typer.Option(min=0, help="How many of them are kept for superusers.")] = 3,
    message_limit: Annotated[int, typer.Option(min=1, max=2047, help="MiB that a client's message may have.")] = 256,
    subscription_limit: Annotated[int, typer.Option(min=1, help="MiB that may wait for one subscriber.")] = 256,
    authentication: Annotated[
        Authentication, typer.Option(help="Whether clients have to prove who they are.", envvar="MZLITE_AUTHENTICATION")
    ] = Authentication.NONE,
    tls_mode: Annotated[TlsMode | None, typer.Option(help="By default `prefer` with a certificate.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate (PEM, the chain behind it).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, of mode 0600.")] = None,
    batch_rows: Annotated[int, typer.Option(min=1, help="Messages of all sources in one tick, at most.")] = 20_000,
    ahead_rows: Annotated[
        int,
        typer.Option(min=0, help="Waiting messages from which on they are decoded in a second session; 0 for never."),
    ] = 1_000,
    clock_at: Annotated[
        int | None, typer.Option(min=0, help="Hold the clock at this moment (ms since 1970).", envvar="MZLITE_CLOCK_AT")
    ] = None,
    test_clock: Annotated[
        bool,
        typer.Option(help="Let the administrator (mz_system) hold and move the clock.", envvar="MZLITE_TEST_CLOCK"),
    ] = False,
    profile: Annotated[bool, typer.Option(help="Note each statement's time in ticks, and log the sums at the end.")] = (
        False
    ),
    metrics_listen: Annotated[
        str | None, typer.Option(help="Loopback HOST:PORT for Prometheus.", envvar="MZLITE_METRICS_LISTEN")
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.", envvar="MZLITE_LOG_LEVEL")] = "info",
    log_format: Annotated[
        LogFormat, typer.Option(help="`text` is coloured on a terminal.", envvar="MZLITE_LOG_FORMAT")
    ] = LogFormat.TEXT,
) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    set_up_logging(log_level, log_format)
    host, port = parse_address(listen)
    if authentication is Authentication.NONE and not is_loopback(host):
        raise typer.BadParameter(
            f"{host} can be reached from elsewhere: that needs --authentication password, and roles with passwords"
        )
    options = ServerOptions(
        data_dir=data,
        wire=WireOptions(
            host=host,
            port=port,
            max_connections=max_connections,
            reserved_connections=reserved_connections,
            login_timeout=login_timeout,
            message_limit=message_limit << 20,
            authentication="password" if authentication is Authentication.PASSWORD else "none",
            tls=encryption(tls_mode, tls_cert, tls_key),
        ),
        subscription_limit=subscription_limit << 20,
        metrics=metrics_address(metrics_listen),
        engine=EngineOptions(batch_rows=batch_rows, ahead_rows=ahead_rows, profile=profile),
        shared_buffers_mb=shared_buffers,
        clock_at=clock_at,
        test_clock=test_clock,
    )
    try:
        status = run(options, lambda at, number: typer.echo(f"mzlite ready on {at}:{number}"))
    except (PostgresError, FormatError, MzError, OSError) as error:
        typer.echo(f"mzlite cannot start: {reason(error)}", err=True)
        raise typer.Exit(1) from error
    raise typer.Exit(status)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A directory that does not exist yet, or is empty.")],
    data: Annotated[Path, typer.Option(help="The server's data directory.", envvar="MZLITE_DATA")],
) -> None:
    """Copy a data directory as it is at one moment, also while its server runs."""
    try:
        made = back_up(data, target)
    except BackupError as error:
        typer.echo(f"mzlite: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{target}: {made.files:,} files, {made.size / 2**20:,.1f} MiB, as of {made.made_at}")
    typer.echo(f"PostgreSQL stood still for {made.pause * 1000:,.0f} ms")


@app.command(name="restore")
def restore_backup(
    source: Annotated[Path, typer.Argument(help="A directory that `mzlite backup` wrote.")],
    data: Annotated[Path, typer.Option(help="The new data directory; it is empty or does not exist.")],
) -> None:
    """Make a data directory from a backup; `mzlite serve` then goes on from there."""
    try:
        made_at = restore(source, data)
    except BackupError as error:
        typer.echo(f"mzlite: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{data} is as of {made_at}")


def parse_address(text: str) -> tuple[str, int]:
    """HOST:PORT as a pair.

    Raises:
        typer.BadParameter: it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def metrics_address(listen: str | None) -> tuple[str, int] | None:
    """Where metrics are shown.

    Raises:
        typer.BadParameter: others than this machine could ask there, and nobody is asked for a password.
    """
    if listen is None:
        return None
    host, port = parse_address(listen)
    if not is_loopback(host):
        raise typer.BadParameter(f"metrics are shown on loopback addresses only, not on {host}")
    return host, port


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address; a name other than localhost counts as reachable."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def encryption(mode: TlsMode | None, certificate: Path | None, key: Path | None) -> Tls | None:
    """What the options about TLS ask for.

    Raises:
        typer.BadParameter: they contradict one another, or the files are no certificate and its key.
    """
    if mode is TlsMode.DISABLE or (mode is None and certificate is None and key is None):
        return None
    if certificate is None or key is None:
        raise typer.BadParameter("TLS needs both --tls-cert and --tls-key")
    try:
        return load_tls(certificate, key, required=mode is TlsMode.REQUIRE)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(reason(error)) from error


def set_up_logging(level: str, log_format: LogFormat = LogFormat.TEXT) -> None:
    """Structured lines on standard error, from the given level on."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise typer.BadParameter(f"{level!r} is not a log level")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            _renderer(log_format),
        ],
    )


def _renderer(log_format: LogFormat) -> structlog.typing.Processor:
    if log_format is LogFormat.JSON:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.LogfmtRenderer()
