"""The settings of the inner PostgreSQL, each with the reason why it differs from the default.

In: the socket directory and the size of the buffer cache. Out: names and values for `postgres -c`.
"""

from __future__ import annotations

import os
from pathlib import Path

LARGEST_BUFFERS_MB = 4096
"""A state of some millions of rows stays in it; what does not, ticks have to write out and read back themselves."""
SMALLEST_BUFFERS_MB = 32


def default_shared_buffers_mb() -> int:
    """A quarter of the machine's memory in MiB, within bounds."""
    memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // (1024 * 1024)
    return max(SMALLEST_BUFFERS_MB, min(LARGEST_BUFFERS_MB, memory_mb // 4))


def server_settings(socket_dir: Path, shared_buffers_mb: int | None = None) -> dict[str, str]:
    """Settings for one server that is reached through `socket_dir` only."""
    return {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "max_connections": "600",
        "superuser_reserved_connections": "10",
        # Memory: the stores are hot, sorts are small.
        "shared_buffers": f"{shared_buffers_mb or default_shared_buffers_mb()}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "hash_mem_multiplier": "2",
        "fsync": "on",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "4GB",
        "min_wal_size": "256MB",
        "wal_compression": "off",
        "wal_writer_delay": "50ms",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        # Where the state is larger than the buffers, ticks should find clean pages, which they need not write first.
        "bgwriter_delay": "50ms",
        "bgwriter_lru_maxpages": "1000",
        # Tables that every tick updates fill with dead rows quickly.
        "autovacuum_naptime": "5s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_vacuum_insert_scale_factor": "0.2",
        # Ticks look everything up by indexes, and an ANALYZE of a store takes half a second of a core.
        "autovacuum_analyze_scale_factor": "1",
        "autovacuum_vacuum_cost_delay": "1ms",
        "autovacuum_max_workers": "2",
        # Small deltas against large states: compiling costs more than it saves, and workers start too slowly.
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
        "random_page_cost": "1.1",
        "max_locks_per_transaction": "1024",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "datestyle": "ISO, MDY",
        "intervalstyle": "postgres",
        "client_encoding": "UTF8",
        "bytea_output": "hex",
        "logging_collector": "off",
        "log_min_messages": "warning",
        "log_min_error_statement": "panic",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
        "update_process_title": "off",
    }
