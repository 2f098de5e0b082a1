"""Messages: exact bytes, and each decodes to what was encoded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mzlite.wire import messages as m
from mzlite.wire.fields import ProtocolViolationError

TEXT = st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=20)
VALUES = st.lists(st.none() | st.binary(max_size=20), max_size=5).map(tuple)
FORMATS = st.lists(st.sampled_from([0, 1]), max_size=3).map(tuple)
OID = st.integers(0, 2**32 - 1)
FIELDS = st.builds(
    m.FieldDescription,
    TEXT,
    OID,
    st.integers(-2, 100),
    st.integers(-1, 2**31 - 1),
    st.sampled_from([0, 1]),
    OID,
    st.integers(0, 1600),
)
MESSAGES = st.one_of(
    st.builds(m.Query, TEXT),
    st.builds(m.Parse, TEXT, TEXT, st.lists(OID, max_size=4).map(tuple)),
    st.builds(m.Bind, TEXT, TEXT, FORMATS, VALUES, FORMATS),
    st.builds(m.Describe, st.sampled_from([b"S", b"P"]), TEXT),
    st.builds(m.Close, st.sampled_from([b"S", b"P"]), TEXT),
    st.builds(m.Execute, TEXT, st.integers(0, 2**31 - 1)),
    st.builds(m.ParameterStatus, TEXT, TEXT),
    st.builds(m.RowDescription, st.lists(FIELDS, max_size=4).map(tuple)),
    st.builds(m.ParameterDescription, st.lists(OID, max_size=4).map(tuple)),
    st.builds(m.DataRow, VALUES),
    st.builds(m.BackendKeyData, OID, st.binary(min_size=4, max_size=32)),
    st.builds(m.ErrorResponse, st.dictionaries(st.sampled_from("SVCMDHP"), TEXT)),
    st.builds(m.NoticeResponse, st.dictionaries(st.sampled_from("SVCMDHP"), TEXT)),
)


@given(MESSAGES)
def test_round_trip(message: m.Parse) -> None:
    data = message.encode()
    assert int.from_bytes(data[1:5], "big") == len(data) - 1
    assert type(message).decode(data[5:]) == message


@given(MESSAGES, st.data())
def test_truncated_bodies_are_refused(message: m.Parse, data: st.DataObject) -> None:
    body = message.encode()[5:]
    if isinstance(message, m.BackendKeyData) or not body:
        return
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(ProtocolViolationError):
        type(message).decode(body[:cut])


def test_exact_bytes() -> None:
    assert m.Query("select 1").encode() == b"Q\0\0\0\x0dselect 1\0"
    assert m.SYNC == b"S\0\0\0\4"
    assert m.ReadyForQuery(b"I").encode() == b"Z\0\0\0\5I"
    assert m.CommandComplete("SELECT 1").encode() == b"C\0\0\0\x0dSELECT 1\0"
    assert m.DataRow((b"x", None)).encode() == b"D\0\0\0\x0f\0\2\0\0\0\1x\xff\xff\xff\xff"
    assert m.CopyOutResponse(0, (0, 0)).encode() == b"H\0\0\0\x0b\0\0\2\0\0\0\0"
    assert m.CopyFail("no").encode() == b"f\0\0\0\7no\0"
    assert m.AUTHENTICATION_OK == b"R\0\0\0\x08\0\0\0\0"
    assert m.Execute("", 0).encode() == b"E\0\0\0\x09\0\0\0\0\0"
    startup = m.StartupMessage({"user": "u"})
    assert startup.encode() == b"\0\0\0\x10\0\3\0\0user\0u\0\0"
    assert m.StartupMessage.decode(startup.encode()[4:]) == startup
    request = m.CancelRequest(7, b"abcd")
    assert request.encode() == b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\7abcd"
    assert m.CancelRequest.decode(request.encode()[4:]) == request


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ProtocolViolationError, match="UTF8"):
        m.Query.decode(b"\xff\0")
