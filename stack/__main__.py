"""`python -m stack` is `hotplate`."""

from stack.cli import main

main()
