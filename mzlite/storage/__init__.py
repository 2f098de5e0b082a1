"""The inner PostgreSQL: its process, and what it has to contain."""
