"""Identifiers out of random bits.

In: integers. Out: their text.
"""

from __future__ import annotations


def uuid_text(bits: int) -> str:
    """128 random bits as the text of a version 4 UUID.

    >>> uuid_text(0)
    '00000000-0000-4000-a000-000000000000'
    """
    text = bits.to_bytes(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
