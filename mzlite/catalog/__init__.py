"""What exists, and the statements that change it."""
