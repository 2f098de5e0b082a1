"""TLS for clients: the context from files, and what channel binding binds to.

In: the paths of a certificate and its key, and the mode. Out: `Tls`, with which connections are encrypted, or an
`OSError` or `ValueError` that says what is wrong with the files.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

_HASHES = {
    # By the object identifier of the certificate's signature, in DER; RFC 5929 has SHA-256 in place of MD5 and SHA-1.
    bytes.fromhex("2a864886f70d010104"): "sha256",  # md5WithRSA
    bytes.fromhex("2a864886f70d010105"): "sha256",  # sha1WithRSA
    bytes.fromhex("2a864886f70d01010b"): "sha256",
    bytes.fromhex("2a864886f70d01010c"): "sha384",
    bytes.fromhex("2a864886f70d01010d"): "sha512",
    bytes.fromhex("2a8648ce3d0401"): "sha256",  # ecdsa-with-SHA1
    bytes.fromhex("2a8648ce3d040302"): "sha256",
    bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512",
}


@dataclass(frozen=True)
class Tls:
    """How connections are encrypted.

    Attributes:
        required: connections that are not encrypted are refused.
        binding: the hash of the certificate, for channel binding; None where its signature names no hash.
    """

    context: ssl.SSLContext
    required: bool
    binding: bytes | None


def load_tls(certificate: Path, key: Path, *, required: bool) -> Tls:
    """Read the files.

    Raises:
        OSError: a file cannot be read.
        ValueError: they are no certificate and its key, or others may read the key.
    """
    status = key.stat()
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) and not (status.st_uid == 0 and os.geteuid() != 0):
        raise ValueError(f"the private key {key} can be read by others; its mode has to be 0600")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise ValueError(f"{certificate} and {key} are no certificate and its private key: {error.reason}") from error
    first, end = certificate.read_text().partition("-----END CERTIFICATE-----")[:2]
    return Tls(context, required, endpoint(ssl.PEM_cert_to_DER_cert(first[first.index("-----BEGIN") :] + end)))


def endpoint(certificate: bytes) -> bytes | None:
    """The hash of a certificate as `tls-server-end-point` has it."""
    outer, _ = _content(certificate, 0)
    _, after_body = _content(certificate, outer)
    algorithm, _ = _content(certificate, after_body)
    start, end = _content(certificate, algorithm)
    name = _HASHES.get(certificate[start:end])
    return None if name is None else hashlib.new(name, certificate).digest()


def _content(data: bytes, position: int) -> tuple[int, int]:
    """Where the content of the DER element at `position` begins and ends."""
    length = data[position + 1]
    start = position + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    return start, start + length
