"""Session variables: what values they take and how SHOW prints them."""

from __future__ import annotations

import pytest

from mzlite.dialect.variables import VARIABLES
from mzlite.errors import MzError


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("welcome_message", "TRUE", "on"),
        ("welcome_message", "0", "off"),
        ("statement_timeout", "5s", "5 s"),
        ("statement_timeout", "90000", "90 s"),
        ("statement_timeout", "1h", "1 h"),
        ("statement_timeout", "0", "0"),
        ("transaction_isolation", "Serializable", "serializable"),
        ("transaction_isolation", "strong session serializable", "strong session serializable"),
        ("client_encoding", "utf8", "UTF8"),
        ("client_encoding", "UTF-8", "UTF8"),
        ("datestyle", "ISO", "ISO, MDY"),
        ("timezone", "utc", "UTC"),
        ("timezone", "+00:00", "+00:00"),
        ("extra_float_digits", "1", "1"),
        ("max_query_result_size", "2GB", "2GB"),
        ("application_name", "x y", "x y"),
    ],
)
def test_values(name: str, value: str, shown: str) -> None:
    assert VARIABLES[name].check(value) == shown


@pytest.mark.parametrize(
    ("name", "value", "state", "message"),
    [
        ("welcome_message", "x", "22023", 'parameter "welcome_message" requires a "boolean" value'),
        ("statement_timeout", "x", "22023", 'parameter "statement_timeout" requires a "duration" value'),
        ("client_encoding", "latin1", "22023", 'parameter "client_encoding" can only be set to "UTF8"'),
        ("timezone", "America/New_York", "22023", 'invalid value for parameter "TimeZone": "America/New_York"'),
        ("server_version", "17", "55P02", 'parameter "server_version" cannot be changed'),
        ("max_tables", "5", "42704", 'unrecognized configuration parameter "max_tables"'),
    ],
)
def test_refused_values(name: str, value: str, state: str, message: str) -> None:
    with pytest.raises(MzError) as caught:
        VARIABLES[name].check(value)
    assert (caught.value.sqlstate, caught.value.message) == (state, message)


def test_every_default_that_a_session_may_set_is_one_of_its_values() -> None:
    fixed: set[str] = set()
    for variable in VARIABLES.values():
        try:
            shown = variable.check(variable.default)
        except MzError as error:
            fixed.add(error.sqlstate)
        else:
            assert shown == variable.default
    assert fixed <= {"55P02", "42704"}
