"""`python -m mzlite`: the command line of the server."""

from mzlite.cli import app


def main() -> None:
    """The command `mzlite`."""
    app()


if __name__ == "__main__":
    main()
