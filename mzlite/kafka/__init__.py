"""Kafka on both sides: `Ingest` reads topics for sources, `Publisher` writes topics for sinks, exactly once."""
