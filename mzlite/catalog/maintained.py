"""Whether plain views may be kept up to date: some only answer when they are read, as those that call now().

In: the objects that an index, a materialized view or a subscription reads. Out: nothing; raises MzError in the words
that the same query would be refused with if it were written there itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mzlite.catalog.interface import EngineTransaction
from mzlite.dialect.check import check_query

_REFERENCE = re.compile(r"\$\{(\w+)\}")


def check_inputs(tx: EngineTransaction, object_ids: Sequence[str]) -> None:
    """Check the plain views among the objects, and those that these read.

    Raises:
        MzError: one of them depends on its session, or wrongly on the clock.
    """
    rows = tx.execute(
        """
        with recursive inputs (id) as (
            select o.id from mzlite.objects as o where o.id = any(%s) and o.type = 'view'
            union
            select o.id from inputs as i
            inner join mzlite.dependencies as d on d.object_id = i.id
            inner join mzlite.objects as o on o.id = d.referenced_id and o.type = 'view'
        )
        select o.definition from inputs as i inner join mzlite.objects as o on o.id = i.id
        where o.definition is not null order by o.id
        """,
        (list(object_ids),),
    ).fetchall()
    for (definition,) in rows:
        check_query(_REFERENCE.sub(r'"\1"', str(definition)).removesuffix(";"), maintained=True)
