"""A publisher in a process of its own, which a test can kill.

    python -m pytests.end_to_end.publisher_process '{"dsn": .., "spec": {..}}'

Publishes until it is killed.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import psycopg

from mzlite.kafka.publish import Publisher
from mzlite.kafka.spec import SinkSpec


class LatePublisher(Publisher):
    """Takes its time between the commit in Kafka and the deletion here, where a kill would hurt most."""

    def _forget_published(self, connection: psycopg.Connection[Any]) -> None:
        time.sleep(0.05)
        super()._forget_published(connection)


def main() -> None:
    arguments = json.loads(sys.argv[1])
    publisher = LatePublisher(SinkSpec(**arguments["spec"]), lambda: psycopg.connect(arguments["dsn"]))
    publisher.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
