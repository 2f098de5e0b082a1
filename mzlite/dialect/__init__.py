"""The SQL dialect: from what clients send to statements, checks and PostgreSQL's text."""
