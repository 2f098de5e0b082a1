"""The command `hotplate`: its subcommands and their options.

In: the command line. Out: the work of the other modules, and an exit status; whatever a person can
put right is shown as a sentence, not as a traceback.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from generator.run import Pace
from generator.shares import Shares
from generator.systems import default_rate
from mzlite.errors import reason
from stack import dbt, logs, refunds_cli
from stack import options as opt
from stack.administration import run_clock, run_verify
from stack.backup import back_up, restore_backup
from stack.demo.run import DemoOptions, psql_line, run_demo
from stack.errors import StackError
from stack.generating import Plan
from stack.generating import generate as run_generator
from stack.local import Stack
from stack.options import console, error_console
from stack.progress import steps
from stack.settings import Settings
from stack.status import report, show_status, status_json
from stack.topics import ALL, SYSTEMS, create_topics, topics_of

app = typer.Typer(
    name="hotplate",
    help="Streaming pipelines as a dbt project, on this machine: Kafka, mzlite, events and a live view.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
clock_app = typer.Typer(help="The clock of a stack started with hotplate up --test-clock.", no_args_is_help=True)
app.add_typer(clock_app, name="test-clock")

app.add_typer(refunds_cli.app, name="refunds")


@app.command()
def up(
    system: opt.System = "delivery",
    state_dir: opt.StateDir = None,
    kafka_port: opt.KafkaPort = None,
    sql_port: opt.SqlPort = None,
    partitions: opt.Partitions = None,
    test_clock: opt.TestClock = None,
) -> None:
    """Start the broker and mzlite in the background, and create the topics."""
    settings = Settings.load(
        state_dir=state_dir, kafka_port=kafka_port, sql_port=sql_port, partitions=partitions, test_clock=test_clock
    )
    with steps(console) as tell:
        started = Stack(settings).up(system, tell)
    names = [name for name, is_new in (("broker", started.broker), ("mzlite", started.engine)) if is_new]
    console.print(f"started: {', '.join(names) or 'nothing, both ran already'}")
    console.print(
        f"kafka {settings.brokers}; connect with: [bold]{psql_line(settings)}[/]; next: hotplate dbt build",
        soft_wrap=True,
    )


@app.command()
def down(state_dir: opt.StateDir = None) -> None:
    """Stop mzlite and the broker; the data stays."""
    with console.status("stopping"):
        stopped = Stack(Settings.load(state_dir=state_dir)).down()
    console.print(f"stopped: {', '.join(stopped) or 'nothing, neither ran'}")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    state_dir: opt.StateDir = None,
) -> None:
    """One screen: processes, topics, ticks, sources, views, sinks, errors; exit status 3 if the stack is down."""
    found = report(Stack(Settings.load(state_dir=state_dir)))
    if as_json:
        typer.echo(status_json(found))
    else:
        show_status(found, console)
    if not found.is_up:
        raise typer.Exit(3)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A directory that does not exist yet, or is empty.")],
    state_dir: opt.StateDir = None,
) -> None:
    """Copy mzlite's data as they are at one moment, while all goes on; topics are the broker's and are not copied."""
    with console.status("copying"):
        made = back_up(Settings.load(state_dir=state_dir), target)
    size, pause = f"{made.size / 2**20:,.1f} MiB", f"{made.pause * 1000:,.0f} ms"
    console.print(f"{target}: {size}, as of {made.made_at}; mzlite stood still for {pause}", soft_wrap=True)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A directory that hotplate backup wrote.")],
    state_dir: opt.StateDir = None,
) -> None:
    """Put a backup in the place of mzlite's data, which must have been moved away; hotplate up goes on from there."""
    made_at = restore_backup(Stack(Settings.load(state_dir=state_dir)), source)
    console.print(f"mzlite's data are as of {made_at}; go on with hotplate up", soft_wrap=True)


@app.command()
def verify(
    name: Annotated[
        str | None,
        typer.Option("--object", help="Only objects of this name: name, schema.name or database.schema.name."),
    ] = None,
    state_dir: opt.StateDir = None,
    sql_port: opt.SqlPort = None,
) -> None:
    """Recompute every maintained object at one moment and compare, while all goes on; exit status 1 at a difference."""
    if not run_verify(Settings.load(state_dir=state_dir, sql_port=sql_port), name, console):
        raise typer.Exit(1)


@clock_app.command("show")
def show_clock(state_dir: opt.StateDir = None, sql_port: opt.SqlPort = None) -> None:
    """What mz_now() is, and whether the clock is held."""
    run_clock(Settings.load(state_dir=state_dir, sql_port=sql_port), "show clock", console)


@clock_app.command("set")
def set_clock(
    moment: Annotated[str, typer.Argument(help="Such as '2026-01-01 12:29:59.999' (UTC), or ms since 1970.")],
    state_dir: opt.StateDir = None,
    sql_port: opt.SqlPort = None,
) -> None:
    """Hold the clock at a moment that is not past; every view shows that moment when this returns."""
    run_clock(Settings.load(state_dir=state_dir, sql_port=sql_port), "set clock to {}", console, moment)


@clock_app.command("advance")
def advance_clock(
    step: Annotated[str, typer.Argument(help="An interval, such as '1 ms' or '2 hours'.")],
    state_dir: opt.StateDir = None,
    sql_port: opt.SqlPort = None,
) -> None:
    """Hold the clock so much later; every view shows that moment when this returns."""
    run_clock(Settings.load(state_dir=state_dir, sql_port=sql_port), "advance clock by {}", console, step)


@clock_app.command("release")
def release_clock(state_dir: opt.StateDir = None, sql_port: opt.SqlPort = None) -> None:
    """Let the clock run; a clock that is ahead of the machine's stands until that has caught up."""
    run_clock(Settings.load(state_dir=state_dir, sql_port=sql_port), "release clock", console)


@app.command()
def generate(
    system: opt.System = "delivery",
    second_stage: opt.SecondStage = False,
    rate: opt.Rate = None,
    duration: opt.Duration = None,
    seed: opt.Seed = None,
    backfill: opt.Backfill = 0.0,
    backfill_rate: opt.BackfillRate = Pace.past_rate,
    recent_rate: opt.RecentRate = Pace.recent_rate,
    delayed: opt.Delayed = Shares.delayed,
    late: opt.Late = Shares.late,
    duplicate: opt.Duplicate = Shares.duplicate,
    malformed: opt.Malformed = Shares.malformed,
    invalid: opt.Invalid = Shares.invalid,
    brokers: Annotated[
        str | None, typer.Option("--brokers", help="Bootstrap servers of another Kafka than the local one.")
    ] = None,
    world_file: Annotated[
        Path | None,
        typer.Option("--world-file", help="Go on from this file where orders were under way, and keep them in it."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line on standard output: progress, then the exact counts.")
    ] = False,
    state_dir: opt.StateDir = None,
    kafka_port: opt.KafkaPort = None,
    partitions: opt.Partitions = None,
) -> None:
    """Write events to Kafka: first a history, then live, until the duration is over or Ctrl-C."""
    settings = Settings.load(state_dir=state_dir, kafka_port=kafka_port, partitions=partitions)
    servers = brokers or settings.brokers
    create_topics(servers, topics_of(system), settings.partitions)
    plan = Plan(
        brokers=servers,
        system=system,
        pace=Pace(
            rate=default_rate(system) if rate is None else rate,
            duration=duration,
            past_rate=backfill_rate,
            recent_rate=recent_rate,
        ),
        shares=Shares(delayed=delayed, late=late, duplicate=duplicate, malformed=malformed, invalid=invalid),
        seed=seed,
        backfill_hours=backfill,
        world_file=world_file,
        second_stage=second_stage,
    )
    run_generator(plan, console, as_json=as_json)


@app.command()
def demo(
    system: opt.System = "delivery",
    second_stage: opt.SecondStage = False,
    rate: opt.Rate = None,
    duration: opt.Duration = None,
    seed: opt.Seed = None,
    backfill: opt.Backfill = 25.0,
    backfill_rate: opt.BackfillRate = Pace.past_rate,
    recent_rate: opt.RecentRate = Pace.recent_rate,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack running at the end.")] = False,
    redeploy: Annotated[
        bool, typer.Option("--redeploy", help="Run dbt even if nothing has changed since the last demo.")
    ] = False,
    state_dir: opt.StateDir = None,
    kafka_port: opt.KafkaPort = None,
    sql_port: opt.SqlPort = None,
    partitions: opt.Partitions = None,
) -> None:
    """Everything at once: stack up, dbt seed, run and test, events, a live view, and a summary that is checked."""
    settings = Settings.load(state_dir=state_dir, kafka_port=kafka_port, sql_port=sql_port, partitions=partitions)
    topics_of(system)
    generator = [
        *("--system", system, "--rate", str(default_rate(system) if rate is None else rate)),
        *("--backfill-rate", str(backfill_rate), "--recent-rate", str(recent_rate)),
    ]
    if second_stage:
        generator.append("--second-stage")
    if seed is not None:
        generator += ["--seed", str(seed)]
    choice = DemoOptions(
        system=system,
        duration=duration,
        backfill_hours=backfill,
        generator=generator,
        keep=keep,
        is_redeploying=redeploy,
        second_stage=second_stage,
    )
    raise typer.Exit(run_demo(settings, choice, console))


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Where the snapshot's directory is made.")],
    system: opt.System = "all",
    layers: Annotated[
        list[str] | None, typer.Option("--layer", help="Which layers; may be repeated. [default: silver and gold]")
    ] = None,
    state_dir: opt.StateDir = None,
    sql_port: opt.SqlPort = None,
) -> None:
    """Write silver and gold as Parquet files of one moment, with a manifest; all or nothing."""
    # DuckDB complains on standard error about every program that freezes the garbage collector, as `generate` does.
    from stack.export import LAYERS
    from stack.export import export as export_views

    topics_of(system)
    systems = tuple(SYSTEMS) if system == ALL else (system,)
    settings = Settings.load(state_dir=state_dir, sql_port=sql_port)
    target, entries = export_views(settings, systems, layers or LAYERS, directory)
    rows = sum(entry.rows for entry in entries)
    console.print(f"{target}: {len(entries)} files, {rows:,} rows", soft_wrap=True)


@app.command(name="logs")
def show_logs(
    name: Annotated[str, typer.Argument(help="mzlite, broker, generator or dbt; all of them without a name.")] = "all",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they are written, until Ctrl-C.")] = False,
    state_dir: opt.StateDir = None,
) -> None:
    """Show the end of the logs."""
    logs.show(Settings.load(state_dir=state_dir), name, lines, follow=follow, console=console)


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    state_dir: opt.StateDir = None,
) -> None:
    """Stop the stack and remove its topics, views and logs; the broker's jars stay."""
    settings = Settings.load(state_dir=state_dir)
    if not yes and not typer.confirm(f"Remove all topics, views and logs in {settings.state}?"):
        raise typer.Exit(1)
    stack = Stack(settings)
    with console.status("stopping"):
        stack.down()
    console.print(f"removed: {', '.join(stack.remove_data()) or 'nothing, there was none'}")


@app.command(
    name="dbt",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def run_dbt(context: typer.Context) -> None:
    """Run dbt against the local stack: hotplate dbt build, hotplate dbt docs generate, .."""
    raise typer.Exit(dbt.run(Settings.load(), context.args))


def main() -> None:
    """Run the command line; never returns."""
    try:
        app(prog_name="hotplate")
    except StackError as error:
        error_console.print("[bold red]hotplate:[/] ", end="")
        error_console.print(str(error), markup=False, soft_wrap=True)
        sys.exit(error.status)
    except OSError as error:
        # A disk without room, a directory that cannot be written.
        error_console.print(f"hotplate: {reason(error)}", markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        error_console.print("interrupted")
        sys.exit(130)
