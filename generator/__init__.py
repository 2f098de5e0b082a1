"""Events of simulated worlds, written to Kafka: one simulator per system, one producer."""
