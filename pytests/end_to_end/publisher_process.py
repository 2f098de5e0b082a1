"""A publisher in a process of its own, which a test can kill.

    python -m pytests.end_to_end.publisher_process '{"dsn": .., "spec": {..}}'

Publishes until it is killed.
"""

from __future__ import annotations

import json
import sys
import threading

import psycopg

from mzlite.kafka.publish import Publisher
from mzlite.kafka.spec import SinkSpec


def main() -> None:
    arguments = json.loads(sys.argv[1])
    publisher = Publisher(SinkSpec(**arguments["spec"]), lambda: psycopg.connect(arguments["dsn"]))
    publisher.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
