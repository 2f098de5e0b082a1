"""Looks for failing cases: a seed stands for a batch of random systems, always the same ones.

In: a system, a seed. Out: the first case that failed, made small.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings

from pytests.property.cases import Case, cases
from pytests.property.reduce import reduced
from pytests.property.system import System, Tally

BATCH = 25
"""Histories of one seed."""


def first_failure(system: System, number: int, histories: int = BATCH) -> tuple[Case, Exception] | None:
    """Runs the histories of one seed; the first case that failed, and how."""
    found: list[tuple[Case, Exception]] = []

    @seed(number)
    @settings(
        max_examples=histories,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def check(case: Case) -> None:
        if not found and (error := failure_of(system, case)) is not None:
            found.append((case, error))

    check()
    return found[0] if found else None


def failure_of(system: System, case: Case) -> Exception | None:
    """How a case fails, or None."""
    try:
        system.run(case)
    except Exception as error:  # noqa: BLE001  (whatever it is, the case that led there is what counts)
        return error
    return None


def smallest(system: System, case: Case, error: Exception) -> tuple[Case, Exception]:
    """A small case that fails in the same way."""
    tally = system.tally
    system.tally = Tally()
    small = reduced(case, error, lambda candidate: failure_of(system, candidate))
    failure = failure_of(system, small)
    system.tally = tally
    return small, failure or error
