"""What cannot be written is told, though nothing is reported of the messages that could."""

import pytest

from generator.writer import BUSY_RATE, EventWriter, WriteError, settings_at


def test_messages_that_were_given_up_are_counted():
    told = pytest.raises(WriteError, match=r"3 messages could not be written: .*timed out")
    with told, EventWriter("127.0.0.1:1", {"message.timeout.ms": 200}) as writer:
        writer.write([("orders", "key", "value", 1_767_225_600_000)] * 3)


def test_only_a_high_rate_is_gathered_for_long():
    assert settings_at(500) == {}
    assert settings_at(0) == settings_at(BUSY_RATE) == {"linger.ms": 60}
