"""The simple protocol, by clients that use it."""

from __future__ import annotations

import psycopg
import pytest

from pytests.wire.conftest import Wire


def test_select(wire: Wire) -> None:
    with wire.connect() as connection:
        assert connection.pgconn.exec_(b"select 1.50::numeric as n, '{\"a\": 1}'::jsonb as j").get_value(0, 0) == b"1.5"
