"""The simulated systems by name, one alone or all on one clock.

In: a system's name, shares, a seed and the moment of the beginning, or what was saved of an earlier world;
whether delivery's second stage takes part. Out: a world.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.clickstream import ClickstreamWorld
from generator.delivery import DeliveryWorld
from generator.events import Event, SystemWorld
from generator.kitchens import KitchenWorld
from generator.population import populate
from generator.santa import SantaWorld
from generator.second_stage import StagedDeliveryWorld
from generator.shares import Shares
from generator.timestamps import TimestampFormatter
from generator.world import SimulatedWorld

ALL = "all"
RATES: dict[str, float] = {"delivery": 500.0, "kitchens": 100.0, "clickstream": 300.0, "santa": 10.0}
"""Events per second of each system, if nobody says otherwise; of all together, their shares of the rate."""
SIMULATED: dict[str, type[SimulatedWorld]] = {
    world.name: world for world in (KitchenWorld, ClickstreamWorld, SantaWorld)
}


def default_rate(system: str) -> float:
    """Events per second of a system, or of all, if nobody says otherwise."""
    return sum(RATES.values()) if system == ALL else RATES[system]


def new_world(system: str, shares: Shares, seed: int, start_ms: int, *, second_stage: bool = False) -> SystemWorld:
    """A world at its beginning; delivery's second stage takes part if it is asked for.

    Raises:
        KeyError: there is no such system.
    """
    if system == ALL:
        return CombinedWorld(
            {name: new_world(name, shares, seed, start_ms, second_stage=second_stage) for name in RATES}
        )
    if system == DeliveryWorld.name:
        world = DeliveryWorld(populate(), shares, seed, start_ms)
        return StagedDeliveryWorld(world) if second_stage else world
    return SIMULATED[system](shares, seed, start_ms)


def restored_world(system: str, shares: Shares, saved: dict[str, Any], *, second_stage: bool = False) -> SystemWorld:
    """The world that `saved` came from.

    Raises:
        ValueError, KeyError, TypeError: these are not the values that its `saved` gave.
    """
    if system == ALL:
        worlds = saved["worlds"]
        return CombinedWorld(
            {name: restored_world(name, shares, worlds[name], second_stage=second_stage) for name in RATES}
        )
    if system == DeliveryWorld.name:
        if second_stage:
            return StagedDeliveryWorld.restored(populate(), shares, saved)
        return DeliveryWorld.restored(populate(), shares, saved)
    return SIMULATED[system].restored(shares, saved)


def parts_of(world: SystemWorld) -> tuple[SystemWorld, ...]:
    """The worlds of the systems in it."""
    return tuple(world.worlds.values()) if isinstance(world, CombinedWorld) else (world,)


class CombinedWorld:
    """Several worlds on one clock; the budget is divided by their usual rates."""

    name = ALL

    def __init__(self, worlds: Mapping[str, SystemWorld]) -> None:
        self.worlds = worlds
        first = next(iter(worlds.values()))
        self.seed = first.seed
        self.now_ms = first.now_ms
        self.window_ms = first.window_ms
        total = sum(RATES[name] for name in worlds)
        self._shares = {name: RATES[name] / total for name in worlds}
        self._allowances = dict.fromkeys(worlds, 0.0)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it writes."""
        return tuple(topic for world in self.worlds.values() for topic in world.topics)

    @property
    def progress(self) -> Mapping[int, int]:
        """That of the first of its worlds."""
        return next(iter(self.worlds.values())).progress

    @property
    def keeps_counting(self) -> bool:
        """True if the counts of a world that goes on include those of before."""
        return all(world.keeps_counting for world in self.worlds.values())

    def advance(self, until_ms: int, budget: int | None) -> list[Event]:
        """Let time pass in all of them."""
        events: list[Event] = []
        # In a second, at this budget; a budget of nothing is the rest of a step.
        second = max(budget or 0, 1) * 1000 / max(until_ms - self.now_ms, 1)
        for name, world in self.worlds.items():
            part = None
            if budget is not None:
                # A world may run over its part; what it used too much is kept from it later. A debt of more than
                # a second is forgiven, as in a run of one world: a quiet one would be silent for minutes.
                self._allowances[name] = min(self._allowances[name] + budget * self._shares[name], 1_000.0)
                part = max(int(self._allowances[name]), 0)
            made = world.advance(until_ms, part)
            self._allowances[name] = max(self._allowances[name] - len(made), -second * self._shares[name])
            events += made
        self.now_ms = until_ms
        return events

    def report(self, now_ms: int) -> dict[str, object]:
        """The reports of all of them, and what was sent in all."""
        reports = {name: world.report(now_ms) for name, world in self.worlds.items()}
        sent: dict[str, int] = {}
        for report in reports.values():
            counts = report["sent"]
            assert isinstance(counts, dict)
            for topic, count in counts.items():
                sent[topic] = sent.get(topic, 0) + count
        return {"at": TimestampFormatter()(now_ms), "sent": sent, "systems": reports}

    def saved(self) -> dict[str, Any]:
        """Everything that is needed to go on later, as plain values for JSON."""
        return {"now_ms": self.now_ms, "worlds": {name: world.saved() for name, world in self.worlds.items()}}
