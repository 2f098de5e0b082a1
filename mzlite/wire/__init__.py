"""The PostgreSQL wire protocol: what clients say and hear.

A ladder of modules: `messages` (pure data), `stream` (bytes in order), `relay`, `simple`, `extended` and `own` (what a
statement does to a session), `session`, `server`. `serve` starts it; `interface` is what it needs from below.
"""
