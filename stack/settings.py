"""Where things are and which ports they use.

In: options of the command, `HOTPLATE_*` environment variables, what `hotplate up` wrote down, and
defaults, in this order of precedence. Out: one frozen object with every path and address.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.errors import OptionError

LOOPBACK = "127.0.0.1"
REMEMBERED = ("kafka_port", "sql_port", "partitions")
"""What later commands must agree on with the `up` that started the stack."""
OPTIONS = (*REMEMBERED, "state_dir", "test_clock")
"""The settings that are options of the command, too."""


class Settings(BaseSettings):
    """Paths and addresses of one local stack; several can run side by side with different ones."""

    model_config = SettingsConfigDict(env_prefix="HOTPLATE_", frozen=True, extra="ignore")

    project_dir: Path = Field(default=Path(__file__).parent.parent, description="the dbt project")
    state_dir: Path = Field(default=Path(".hotplate"), description="data, logs and pid files; relative to project_dir")
    kafka_port: int = Field(default=9092, ge=1, le=65535, description="the broker's port on the loopback address")
    sql_port: int = Field(default=6875, ge=1, le=65535, description="mzlite's port on the loopback address")
    partitions: int = Field(default=4, ge=1, le=1000, description="partitions of a new topic")
    test_clock: bool = Field(default=False, description="the clock may be held with hotplate test-clock")
    kafka_heap_mb: int = Field(default=512, ge=128, description="the broker's Java heap, in MiB")

    @classmethod
    def load(cls, **options: Any) -> Self:
        """Settings from the options that are not None, and from everywhere else.

        Raises:
            OptionError: a value is out of range, the project directory holds no dbt project, or the state directory
                cannot be one.
        """
        given = {name: value for name, value in options.items() if value is not None}
        try:
            first = cls(**given)
            remembered = first.remembered()
            # What the environment sets is in `model_fields_set` too, so it wins over what was written down.
            settings = cls(**{**{k: v for k, v in remembered.items() if k not in first.model_fields_set}, **given})
        except ValidationError as error:
            raise OptionError("; ".join(map(_problem, error.errors()))) from error
        if not (settings.project_dir / "dbt_project.yml").exists():
            raise OptionError(f"{settings.project_dir} holds no dbt_project.yml; set HOTPLATE_PROJECT_DIR")
        if not settings.place.is_dir():
            hint = "choose another with --state-dir or HOTPLATE_STATE_DIR"
            raise OptionError(f"{settings.place} is no directory; {hint}")
        return settings

    @property
    def state(self) -> Path:
        """The state directory, absolute."""
        return (self.project_dir / self.state_dir).resolve()

    @property
    def place(self) -> Path:
        """The state directory, or before the first start what of its path there is already."""
        return next(path for path in (self.state, *self.state.parents) if path.exists())

    @property
    def brokers(self) -> str:
        """Kafka's bootstrap servers."""
        return f"{LOOPBACK}:{self.kafka_port}"

    @property
    def sql_address(self) -> str:
        """mzlite's host:port."""
        return f"{LOOPBACK}:{self.sql_port}"

    @property
    def jars_dir(self) -> Path:
        """The broker's jars; they outlive a reset."""
        return self.state / "jars"

    @property
    def kafka_dir(self) -> Path:
        """The broker's data and logs."""
        return self.state / "kafka"

    @property
    def mzlite_dir(self) -> Path:
        """mzlite's data."""
        return self.state / "mzlite"

    @property
    def run_dir(self) -> Path:
        """Pid files and what is to be remembered between commands."""
        return self.state / "run"

    @property
    def logs_dir(self) -> Path:
        """Logs of mzlite, dbt and the generator."""
        return self.state / "logs"

    def world_file(self, system: str) -> Path:
        """The generator's world of a system between two demos."""
        return self.run_dir / f"world-{system}.json"

    @property
    def deployed_file(self) -> Path:
        """What the last demo deployed."""
        return self.run_dir / "deployed.json"

    def remember(self) -> None:
        """Write down what later commands must agree on."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self._remembered_file.write_text(json.dumps({name: getattr(self, name) for name in REMEMBERED}, indent=2))

    def remembered(self) -> dict[str, Any]:
        """What the last `up` wrote down; nothing if there was none."""
        try:
            values = json.loads(self._remembered_file.read_text())
            return {name: values[name] for name in REMEMBERED}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    @property
    def _remembered_file(self) -> Path:
        return self.run_dir / "stack.json"


def _problem(error: ErrorDetails) -> str:
    """What is wrong with a value, by the names under which a person gives it."""
    name = str(error["loc"][0])
    option = f"--{name.replace('_', '-')} or " if name in OPTIONS else ""
    return f"{error['input']!r} does not fit {option}HOTPLATE_{name.upper()}: {error['msg']}"
