"""PostgreSQL's syntax trees, without the library's annotations.

In: pglast. Out: its modules as `Any`: there every field of every node may be None, which says
nothing about trees that PostgreSQL itself has printed.
"""

from __future__ import annotations

from typing import Any

import pglast.ast
import pglast.enums
import pglast.stream

ast: Any = pglast.ast
enums: Any = pglast.enums
parse_sql: Any = pglast.parse_sql
RawStream: Any = pglast.stream.RawStream
