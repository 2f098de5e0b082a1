"""The features that Materialize has behind a flag, and whether the flag is on.

In: ALTER SYSTEM SET of a flag. Out: `FLAGS`, which answers whether a feature may be used and gives
Materialize's words when it may not. The flags belong to the whole server and start switched off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mzlite.errors import MzError

_PREVIEW_HINT = "Contact support to discuss enabling the feature in your Materialize region."


@dataclass(frozen=True)
class Feature:
    """What a flag guards, in the words of its error; an unsafe one is for tests of Materialize only."""

    flag: str
    description: str
    unsafe: bool = False

    def error(self) -> MzError:
        """The refusal while the flag is off."""
        if self.unsafe:
            return MzError(
                f"{self.description} is not supported",
                detail=f"The requested feature ({self.flag}) is unsafe and is meant only for internal development and "
                "testing of Materialize.",
            )
        return MzError(
            f"{self.description} is not available",
            detail=f"The requested feature ({self.flag}) is in private preview.",
            hint=_PREVIEW_HINT,
        )


FEATURES = {
    feature.flag: feature
    for feature in (
        Feature("enable_logical_compaction_window", "RETAIN HISTORY"),
        Feature("enable_alter_table_add_column", "Enable ALTER TABLE ... ADD COLUMN ..."),
        Feature("enable_envelope_debezium_in_subscribe", "`ENVELOPE DEBEZIUM (KEY (..))`"),
        Feature("enable_within_timestamp_order_by_in_subscribe", "`WITHIN TIMESTAMP ORDER BY ..`"),
        Feature("enable_refresh_every_mvs", "REFRESH EVERY and REFRESH AT materialized views"),
        Feature("enable_envelope_materialize", "ENVELOPE MATERIALIZE"),
        Feature("enable_kafka_sink_headers", "Enable the HEADERS option for Kafka sinks"),
        Feature("enable_load_generator_counter", "Create a LOAD GENERATOR COUNTER"),
        Feature("enable_load_generator_clock", "Create a LOAD GENERATOR CLOCK"),
        Feature("enable_load_generator_datums", "Create a LOAD GENERATOR DATUMS"),
        Feature("enable_load_generator_key_value", "Create a LOAD GENERATOR KEY VALUE"),
        Feature("enable_cluster_schedule_refresh", "`SCHEDULE = ON REFRESH` cluster option"),
        Feature("enable_create_continual_task", "CREATE CONTINUAL TASK"),
        Feature("enable_binary_date_bin", "the binary version of date_bin function"),
        Feature("enable_date_bin_hopping", "the date_bin_hopping function"),
        Feature("enable_list_length_max", "the list_length_max function"),
        Feature("enable_list_n_layers", "the list_n_layers function"),
        Feature("enable_list_remove", "the list_remove function"),
        Feature("enable_repeat_row", "the repeat_row function"),
        Feature("unsafe_enable_table_keys", "CREATE TABLE with a primary key or unique constraint", unsafe=True),
        Feature("unsafe_enable_table_foreign_key", "CREATE TABLE with a foreign key", unsafe=True),
        Feature("unsafe_enable_table_check_constraint", "CREATE TABLE with a check constraint", unsafe=True),
        Feature("unsafe_enable_unorchestrated_cluster_replicas", "unorchestrated cluster replicas", unsafe=True),
    )
}


@dataclass
class FeatureFlags:
    """The state of the flags of one server."""

    enabled: set[str] = field(default_factory=set)

    def set(self, flag: str, on: bool) -> None:
        """Switches a flag.

        Raises:
            MzError: there is no such flag (42704).
        """
        if flag not in FEATURES:
            raise MzError(f'unrecognized configuration parameter "{flag}"', sqlstate="42704")
        if on:
            self.enabled.add(flag)
        else:
            self.enabled.discard(flag)

    def require(self, flag: str) -> None:
        """Raises MzError unless the flag is on."""
        if flag not in self.enabled:
            raise FEATURES[flag].error()


FLAGS = FeatureFlags()
