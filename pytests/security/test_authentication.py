"""Who may log in, and over what: passwords, TLS, channel binding, addresses."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import psycopg.sql
import pytest

from mzlite.scram import MECHANISM, ScramError, ScramServer, Verifier
from mzlite.wire.messages import StartupMessage
from mzlite.wire.tls import endpoint, load_tls
from pytests.security.running import DEADLINE, RunningServer

PASSWORD = "gëheim, 'x' and \u2168"
CERTIFICATE = (
    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
)  # fmt: skip


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("certificate")
    certificate, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run([*CERTIFICATE, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    key.chmod(0o600)
    return certificate, key


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]) -> Iterator[RunningServer]:
    """A server that wants passwords and encryption, on every address of this machine."""
    server = RunningServer(tmp_path_factory.mktemp("locked"), "--max-connections", "6", "--reserved-connections", "2")
    with server:
        with server.connect() as client:
            client.execute("create role joe with login password 'first'")
            client.execute("alter role joe with password " + psycopg.sql.Literal(PASSWORD).as_string())
            client.execute("create role boss with login superuser password 'chief'")
            client.execute("create role mute with nologin password 'x'")
            client.execute("create role bare with login")
            client.execute("create role gone with login password 'x'")
            client.execute("alter role gone with password null")
        server.stop()
        server.options = (
            *("--listen", "0.0.0.0:0", "--authentication", "password", "--tls-mode", "require"),
            *("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1])),
            *("--max-connections", "6", "--reserved-connections", "2"),
        )
        server.start()
        yield server


def refused(server: RunningServer, **parameters: str) -> psycopg.OperationalError:
    with pytest.raises(psycopg.OperationalError) as caught:
        server.connect(**parameters).close()
    return caught.value


def test_a_password_lets_its_role_in_and_only_that(locked: RunningServer) -> None:
    with locked.connect(user="joe", password=PASSWORD) as client:
        assert client.pgconn.ssl_in_use
        assert client.execute("select current_user, session_user, mz_is_superuser()").fetchone() == (
            "joe",
            "joe",
            False,
        )
    with locked.connect(user="boss", password="chief") as client:
        assert client.execute("select current_user, current_role, mz_is_superuser()").fetchone() == (
            "boss",
            "boss",
            True,
        )
    for user, password in (
        ("joe", "first"), ("joe", ""), ("joe", "chief"), ("mute", "x"), ("bare", ""), ("bare", "x"), ("gone", "x"),
        ("nobody", "x"), ("materialize", "x"), ("mz_system", "x"), ("JOE", PASSWORD),
    ):  # fmt: skip
        message = str(refused(locked, user=user, password=password or "none"))
        assert "invalid password" in message, (user, message)


def test_encryption_is_required(locked: RunningServer) -> None:
    assert "TLS encryption is required" in str(refused(locked, user="joe", password=PASSWORD, sslmode="disable"))


def test_the_password_is_bound_to_the_channel(locked: RunningServer) -> None:
    with locked.connect(user="joe", password=PASSWORD, channel_binding="require") as client:
        assert client.execute("select 1").fetchone() == (1,)
    with locked.connect(user="joe", password=PASSWORD, channel_binding="disable") as client:
        assert client.execute("select 1").fetchone() == (1,)


def test_the_certificate_is_the_given_one(locked: RunningServer, certificate: tuple[Path, Path]) -> None:
    with locked.connect(user="joe", password=PASSWORD, sslmode="verify-ca", sslrootcert=str(certificate[0])):
        pass


def test_what_comes_unencrypted_after_the_request_is_not_read(locked: RunningServer) -> None:
    request = bytes.fromhex("0000000804d2162f")
    with socket.create_connection(("127.0.0.1", locked.port), DEADLINE) as client:
        client.sendall(request + StartupMessage({"user": "joe"}).encode())
        answer = b""
        while data := client.recv(4096):
            answer += data
    assert b"received unencrypted data after SSL request" in answer


def test_the_last_connections_are_for_superusers(locked: RunningServer) -> None:
    clients = [locked.connect(user="joe", password=PASSWORD) for _ in range(4)]
    try:
        assert "max_connections" in str(refused(locked, user="joe", password=PASSWORD))
        with locked.connect(user="boss", password="chief") as client:
            assert client.execute("select 1").fetchone() == (1,)
    finally:
        for client in clients:
            client.close()


def test_reserved_roles_are_nobodys(server: RunningServer) -> None:
    for user in ("mz_support", "mz_anything", "pg_monitor", "public"):
        assert f"unauthorized login to user '{user}'" in str(refused(server, user=user))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--listen", "0.0.0.0:0"), "--authentication password"),
        (("--listen", "[::]:0"), "--authentication password"),
        (("--listen", "some.host:0"), "--authentication password"),
        (("--listen", "127.0.0.1:0", "--tls-mode", "require"), "--tls-cert and --tls-key"),
        (("--listen", "127.0.0.1:0", "--tls-cert", "/nosuch", "--tls-key", "/nosuch"), "No such file"),
    ],
)
def test_an_unsafe_start_is_refused(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    command = (sys.executable, "-m", "mzlite", "serve", "--data", str(tmp_path / "data"), *options)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE, env={**os.environ, "COLUMNS": "300"}
    )
    assert done.returncode != 0
    assert words in " ".join(done.stderr.split())
    assert not (tmp_path / "data").exists()


def test_a_start_that_lets_nobody_in_is_refused(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "mzlite", "serve", "--shared-buffers", "64", "--data", str(tmp_path / "data"))
    options = ("--listen", "0.0.0.0:0", "--authentication", "password")
    done = subprocess.run((*command, *options), capture_output=True, text=True, timeout=2 * DEADLINE)
    assert done.returncode == 1
    assert "no role has a password" in done.stderr


def test_the_key_must_be_private(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(certificate[1].read_bytes())
    key.chmod(0o644)
    with pytest.raises(ValueError, match="can be read by others"):
        load_tls(certificate[0], key, required=False)
    key.chmod(0o600)
    key.write_text("nonsense")
    with pytest.raises(ValueError, match="no certificate and its private key"):
        load_tls(certificate[0], key, required=False)


def test_the_endpoint_is_hashed_as_the_certificate_was_signed(certificate: tuple[Path, Path]) -> None:
    bound = endpoint(ssl.PEM_cert_to_DER_cert(certificate[0].read_text()))
    printed = subprocess.run(
        ("openssl", "x509", "-in", certificate[0], "-noout", "-fingerprint", "-sha256"), capture_output=True, text=True
    ).stdout
    assert bound == bytes.fromhex(printed.partition("=")[2].strip().replace(":", ""))


def test_only_the_verifier_is_kept(locked: RunningServer) -> None:
    inner = psycopg.connect(host=str(locked.data / "socket"), dbname="materialize", user="mz_system")
    with inner:
        (text,) = inner.execute(
            "select p.verifier from mzlite.passwords as p inner join mzlite.roles as r on r.id = p.role_id"
            " where r.name = 'joe'"
        ).fetchone()  # type: ignore[misc]
    assert text.startswith("SCRAM-SHA-256$600000:")
    verifier = Verifier.parse(text)
    assert str(verifier) == text
    assert PASSWORD not in text


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n,,",
        b"n,,n=,r=",
        b"\xff",
        b"p=tls-unique,,n=,r=abc",
        b"n,,m=x,n=,r=abc",
        b"n,,n=,r=" + b"a" * 300,
        b"y,,n=,r=abc",
    ],
)
def test_malformed_first_messages(message: bytes) -> None:
    with pytest.raises(ScramError):
        ScramServer(Verifier.of("x", 1), MECHANISM, b"bound").first(message)


@pytest.mark.parametrize("message", [b"", b"c=biws", b"c=biws,r=abc,p=!!", b"c=,r=abc,p=YQ==", b"c=biws,r=abc,p=YQ=="])
def test_malformed_last_messages(message: bytes) -> None:
    exchange = ScramServer(Verifier.of("x", 1), MECHANISM, None)
    exchange.first(b"n,,n=,r=abc")
    with pytest.raises(ScramError):
        exchange.final(message)
