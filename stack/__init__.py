"""The `hotplate` command: broker, engine, topics, pipeline, generator and the live demo."""
