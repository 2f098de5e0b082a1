"""Draws the charts of RESULTS.md with matplotlib; runs in the peers' environment, as a program of its own.

In: the directory of the results. Out: SVG files beside them: the drain rates, and processor time and memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

# The same figures give the same file, and text stays text.
matplotlib.rcParams.update({"svg.hashsalt": "hotplate", "svg.fonttype": "none", "font.size": 9})
NAMES = {
    "hotplate": "hotplate",
    "spark": "PySpark",
    "flink-minibatch": "Flink, mini-batches",
    "flink-exactly_once": "Flink, exactly-once",
    "flink-each_record": "Flink, each record",
}
OURS, THEIRS = "#d1495b", "#8d99ae"


def drains(directory: Path) -> dict[str, Any]:
    """The drains over the newest topics, by name."""
    files = {name: directory / f"{name}.json" for name in NAMES}
    found = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    found = {name: result for name, result in found.items() if "error" not in result}
    newest = max((result["measured_at"], result["topics"]) for result in found.values())[1] if found else None
    return {name: result for name, result in found.items() if result["topics"] == newest}


def draw(results: dict[str, Any], target: Path) -> None:
    """Three charts side by side: higher is better in the first only."""
    events = [result["events"] for result in results.values()]
    series = {
        "events/s": [n / r["drain_seconds"] for n, r in zip(events, results.values(), strict=True)],
        "CPU seconds per million events": [
            1e6 * r["cpu_seconds"] / n for n, r in zip(events, results.values(), strict=True)
        ],
        "peak memory, MiB": [r["peak_mib"] for r in results.values()],
    }
    labels = [NAMES[name] for name in results]
    colours = [OURS if name == "hotplate" else THEIRS for name in results]
    figure, axes = plt.subplots(1, len(series), figsize=(11, 0.6 + 0.42 * len(labels)), sharey=True)
    for axis, (title, values) in zip(axes, series.items(), strict=True):
        bars = axis.barh(labels, values, color=colours)
        axis.bar_label(bars, fmt="{:,.0f}", padding=3)
        axis.set_title(title)
        axis.set_xlim(0, 1.25 * max(values))
        axis.invert_yaxis()
        axis.spines[["top", "right"]].set_visible(False)
        axis.xaxis.set_visible(False)
    axes[0].invert_yaxis() if len(series) % 2 == 0 else None
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    """Draws what there is."""
    directory = Path(sys.argv[1])
    results = drains(directory)
    if results:
        draw(results, directory / "drain.svg")


if __name__ == "__main__":
    main()
