"""SCRAM-SHA-256 as a server does it (RFC 5802, RFC 7677), with and without channel binding.

In: a role's verifier and the client's two messages. Out: the server's two messages, or `ScramError`. A verifier lets
nobody log in: the password cannot be had from it. For roles that do not exist, or have no password, there are mock
verifiers, so that an attempt tells nothing about which roles there are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import stringprep
import unicodedata
from dataclasses import dataclass

MECHANISM = "SCRAM-SHA-256"
BOUND_MECHANISM = "SCRAM-SHA-256-PLUS"
BINDING = "tls-server-end-point"
SALT_BYTES = 16
NONCE_BYTES = 18
LONGEST_NONCE = 256
_PROHIBITED = (
    stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3, stringprep.in_table_c4,
    stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8,
    stringprep.in_table_c9, stringprep.in_table_a1,
)  # fmt: skip
_VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([^$:]+)\$([^$:]+):([^$:]+)")
_FIRST = re.compile(
    r"(?P<header>(?P<flag>n|y|p=(?P<binding>[A-Za-z0-9.-]+)),(?:a=[^,]*)?,)(?P<bare>n=[^,]*,r=(?P<nonce>[!-+\--~]+).*)",
    re.S,
)
_FINAL = re.compile(
    r"(?P<unproved>c=(?P<bound>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+).*),p=(?P<proof>[A-Za-z0-9+/=]+)", re.S
)


class ScramError(Exception):
    """The client has not proved that it knows the password, or its message is none."""


@dataclass(frozen=True)
class Verifier:
    """What is kept of a password."""

    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes

    @classmethod
    def of(cls, password: str, iterations: int) -> Verifier:
        """The verifier of a password, with a salt of its own."""
        salt = secrets.token_bytes(SALT_BYTES)
        salted = hashlib.pbkdf2_hmac("sha256", prepared(password), salt, iterations)
        client_key = _mac(salted, b"Client Key")
        return cls(iterations, salt, hashlib.sha256(client_key).digest(), _mac(salted, b"Server Key"))

    @classmethod
    def mock(cls, user: str, key: bytes, iterations: int) -> Verifier:
        """The same for the same user each time, and nobody's."""
        digest = _mac(key, user.encode())
        return cls(iterations, digest[:SALT_BYTES], secrets.token_bytes(32), secrets.token_bytes(32))

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """From the form in which it is stored, which is PostgreSQL's.

        Raises:
            ValueError: it is none.
        """
        found = _VERIFIER.fullmatch(text)
        if found is None:
            raise ValueError("not a verifier")
        iterations, *parts = found.groups()
        return cls(int(iterations), *(base64.b64decode(part, validate=True) for part in parts))

    def __str__(self) -> str:
        salt, stored, server = (
            base64.b64encode(part).decode() for part in (self.salt, self.stored_key, self.server_key)
        )
        return f"SCRAM-SHA-256${self.iterations}:{salt}${stored}:{server}"

    def __repr__(self) -> str:
        return "Verifier(..)"


def prepared(password: str) -> bytes:
    """A password in the form that is hashed: SASLprep where it applies, else as it is (as PostgreSQL's clients do).

    >>> prepared("I\\u00adX"), prepared("\\u2168"), prepared("a\\tb")
    (b'IX', b'IX', b'a\\tb')
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in password if not stringprep.in_table_b1(char)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    right = any(stringprep.in_table_d1(char) for char in normal)
    mixed = right and (
        any(stringprep.in_table_d2(char) for char in normal)
        or not (stringprep.in_table_d1(normal[0]) and stringprep.in_table_d1(normal[-1]))
    )
    if not normal or mixed or any(table(char) for table in _PROHIBITED for char in normal):
        return password.encode()
    return normal.encode()


class ScramServer:
    """One exchange. `first` and then `final`; the client is who it says when `final` returns.

    Args:
        verifier: the role's.
        mechanism: what the client chose.
        binding: the data of channel binding, on a connection where the server offers it.
    """

    def __init__(self, verifier: Verifier, mechanism: str, binding: bytes | None) -> None:
        self._verifier = verifier
        self._bound = mechanism == BOUND_MECHANISM
        self._binding = binding
        self._nonce = ""
        self._expected = b""
        self._messages = ""

    def first(self, message: bytes) -> bytes:
        """The answer to the client's first message.

        Raises:
            ScramError: it is malformed, or it does not fit what was offered.
        """
        found = _FIRST.fullmatch(_text(message))
        if found is None or len(found["nonce"]) > LONGEST_NONCE:
            raise ScramError("malformed SCRAM message")
        if self._bound != (found["binding"] is not None) or (self._bound and found["binding"] != BINDING):
            raise ScramError("unsupported SCRAM channel-binding type")
        if found["flag"] == "y" and self._binding is not None:
            # The client can bind and has not seen that the server can: somebody stands between the two.
            raise ScramError("SCRAM channel binding negotiation error")
        self._expected = found["header"].encode() + (self._binding or b"" if self._bound else b"")
        self._nonce = found["nonce"] + base64.b64encode(secrets.token_bytes(NONCE_BYTES)).decode()
        salt = base64.b64encode(self._verifier.salt).decode()
        answer = f"r={self._nonce},s={salt},i={self._verifier.iterations}"
        self._messages = f"{found['bare']},{answer}"
        return answer.encode()

    def final(self, message: bytes) -> bytes:
        """The answer to the client's second message, once the client has proved itself.

        Raises:
            ScramError: it has not.
        """
        found = _FINAL.fullmatch(_text(message))
        if found is None:
            raise ScramError("malformed SCRAM message")
        try:
            bound = base64.b64decode(found["bound"], validate=True)
            proof = base64.b64decode(found["proof"], validate=True)
        except binascii.Error as error:
            raise ScramError("malformed SCRAM message") from error
        if not hmac.compare_digest(bound, self._expected):
            raise ScramError("SCRAM channel binding check failed")
        messages = f"{self._messages},{found['unproved']}".encode()
        signature = _mac(self._verifier.stored_key, messages)
        client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=False))
        proved = hmac.compare_digest(hashlib.sha256(client_key).digest(), self._verifier.stored_key)
        if not proved or len(proof) != len(signature) or not hmac.compare_digest(found["nonce"], self._nonce):
            raise ScramError("invalid password")
        return b"v=" + base64.b64encode(_mac(self._verifier.server_key, messages))


def _text(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError as error:
        raise ScramError("malformed SCRAM message") from error


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")
