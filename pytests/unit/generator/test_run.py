"""The pacing: the past at its own times, the present at its rate, against a clock that the test holds."""

import threading

import pytest

from generator.run import HOUR_MS, PAST_STEP_MS, STEP_MS, Pace, Progress, Run

START_MS = 1_767_225_600_000


class Clock:
    """Stands still unless told otherwise; each look may cost time."""

    def __init__(self, cost=0.0):
        self.now = START_MS / 1000
        self.cost = cost

    def __call__(self):
        self.now += self.cost
        return self.now


class RecordingWorld:
    """Makes exactly what it is asked for and remembers the steps."""

    def __init__(self, now_ms):
        self.now_ms = now_ms
        self.steps = []

    def advance(self, until_ms, budget):
        self.steps.append((self.now_ms, until_ms, budget))
        self.now_ms = until_ms
        return [("topic", None, "x", until_ms)] * (3 if budget is None else budget)


class Collector:
    def __init__(self):
        self.events = []
        self.flushed = 0

    def write(self, events):
        self.events += events

    def flush(self):
        self.flushed += 1


def start(world, pace, clock):
    reports: list[Progress] = []
    writer = Collector()
    run = Run(world, writer, pace, reports.append, clock)
    # Waiting for the present costs no real time: the clock jumps instead.
    run._stop = JumpingFlag(clock)
    run.run()
    return writer, reports


class JumpingFlag:
    def __init__(self, clock):
        self.clock = clock
        self.flag = threading.Event()

    def is_set(self):
        return self.flag.is_set()

    def set(self):
        self.flag.set()

    def wait(self, seconds):
        self.clock.now += seconds
        return False


def test_the_past_is_written_at_its_rates_and_its_times():
    world = RecordingWorld(START_MS - 3 * HOUR_MS)
    writer, reports = start(world, Pace(duration=0, past_rate=2, recent_rate=10), Clock())
    early = [event for event in writer.events if event[3] <= START_MS - HOUR_MS]
    assert len(early) == pytest.approx(2 * 2 * 3600, abs=10)
    assert len(writer.events) - len(early) == pytest.approx(10 * 3600, abs=10)
    assert world.now_ms == START_MS
    assert {report.phase for report in reports} == {"past"}
    assert reports[-1].done == pytest.approx(1.0)
    assert reports[-1].events == len(writer.events)
    assert writer.flushed == 1


def test_time_that_the_past_takes_is_made_up_for():
    clock = Clock()
    world = RecordingWorld(START_MS - HOUR_MS)

    class Slow(Collector):
        def write(self, events):
            super().write(events)
            clock.now += 0.001

    run = Run(world, Slow(), Pace(duration=0), lambda _: None, clock)
    run.run()
    assert clock.now * 1000 - world.now_ms < PAST_STEP_MS
    assert clock.now * 1000 - START_MS > HOUR_MS / PAST_STEP_MS


def test_the_present_keeps_its_rate_and_its_duration():
    world = RecordingWorld(START_MS)
    writer, reports = start(world, Pace(rate=1_234, duration=10), Clock())
    assert len(writer.events) == pytest.approx(12_340, abs=1)
    assert world.now_ms == START_MS + 10_000
    assert all(until - since == STEP_MS for since, until, _ in world.steps)
    assert reports[-1].done == 1.0


@pytest.mark.parametrize("rate", [0.5, 3, 33.3])
def test_low_rates_are_exact_in_the_long_run(rate):
    writer, _ = start(RecordingWorld(START_MS), Pace(rate=rate, duration=600), Clock())
    assert len(writer.events) == pytest.approx(rate * 600, abs=1)


def test_rate_0_does_not_wait():
    clock = Clock(cost=0.005)
    world = RecordingWorld(START_MS)
    _, reports = start(world, Pace(rate=0, duration=2), clock)
    assert all(budget is None for _, _, budget in world.steps)
    assert len(world.steps) > 100
    assert max(report.behind for report in reports) < 0.05


def test_a_machine_that_is_too_slow_falls_behind_and_says_so():
    clock = Clock(cost=0.05)
    world = RecordingWorld(START_MS)
    writer, reports = start(world, Pace(rate=1_000, duration=5), clock)
    assert len(writer.events) == pytest.approx(5_000, abs=1)
    assert reports[-1].behind > 5


def test_stop_ends_it_after_the_step_with_everything_flushed():
    world = RecordingWorld(START_MS)
    writer = Collector()
    run = Run(world, writer, Pace(rate=100), lambda progress: progress.events >= 10 and run.stop())
    run.run()
    assert 10 <= len(writer.events) < 20
    assert writer.flushed == 1


def test_a_failure_of_the_writer_comes_through():
    class Broken(Collector):
        def write(self, events):
            raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        Run(RecordingWorld(START_MS), Broken(), Pace(rate=100), lambda _: None).run()


@pytest.mark.parametrize("field", ["rate", "duration", "past_rate", "recent_rate"])
def test_nothing_negative(field):
    with pytest.raises(ValueError, match=f"{field} must not be negative"):
        Pace(**{field: -1})
