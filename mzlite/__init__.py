"""mzlite: Materialize's SQL in one process, on an embedded PostgreSQL."""
