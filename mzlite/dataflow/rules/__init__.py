"""One delta rule a module."""
