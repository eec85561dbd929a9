"""Figures of a suite, drawn from its rows (needs the optional group `bench`)."""

import importlib.util
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metalearn.bench.judging import BATCHNORMS
from metalearn.bench.rows import Row
from metalearn.bench.table import accuracy_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL = (5.0, 3.6)
_SHORTEST_S = 1e-3


def can_plot() -> bool:
    return importlib.util.find_spec("matplotlib") is not None


def draw_all(rows: Sequence[Row], out: Path, command: str) -> list[Path]:
    """Draw each figure that has rows, as SVG with `command` in its description."""
    from matplotlib import rc_context

    files = []
    # A fixed salt for element ids: the same rows give the same bytes.
    with rc_context({"svg.hashsalt": "freehold", "font.size": 9, "axes.grid": True}):
        for name, draw in _FIGURES.items():
            figure = draw(rows)
            if figure is None:
                continue
            path = out / f"{name}.svg"
            about = {"Description": f"Made by: {command}", "Date": None}
            figure.savefig(path, metadata=about, bbox_inches="tight")
            files.append(path)
    return files


def accuracy_over_time(rows: Sequence[Row]) -> "Figure | None":
    trainings = [row for row in rows if row["kind"] == "training" and row["curve"]]
    if not trainings:
        return None
    shots = sorted({found["shot"] for found in trainings[0]["curve"][0]["accuracies"]})
    pools = _distinct(trainings, "pool")
    figure, panels = _panels(len(pools), len(shots))
    for line, pool in zip(panels, pools, strict=True):
        for axes, shot in zip(line, shots, strict=True):
            for label in _distinct(trainings, "label"):
                runs = [r for r in trainings if (r["pool"], r["label"]) == (pool, label)]
                if runs:
                    _draw_curve(axes, runs, shot, label)
            axes.set(title=f"{pool}, {shot}-shot, inductive", xscale="log")
            axes.set(xlabel="training, seconds of the clock", ylabel="accuracy, %")
    _legend(panels[0][-1])
    return figure


def _draw_curve(axes: "Axes", runs: Sequence[Row], shot: int, label: str) -> None:
    points = [
        point
        for point in zip(*(run["curve"] for run in runs), strict=True)
        # A learner whose inductive adaptation diverges has no such accuracy.
        if all(_inductive(run, shot) for run in point)
    ]
    if not points:
        return
    seconds = [max(statistics.fmean(p["wall_s"] for p in point), _SHORTEST_S) for point in points]
    values = [[statistics.fmean(_inductive(p, shot)) for p in point] for point in points]
    axes.plot(seconds, [statistics.fmean(v) for v in values], marker=".", label=label)
    if len(runs) > 1:
        axes.fill_between(seconds, [min(v) for v in values], [max(v) for v in values], alpha=0.2)


def _inductive(point: Row, shot: int) -> list[float]:
    return [
        found["accuracy"]
        for found in point["accuracies"]
        if (found["shot"], found["batchnorm"]) == (shot, BATCHNORMS[0])
    ]


def recovery_cost(rows: Sequence[Row]) -> "Figure | None":
    """Plot accuracy against images through teachers and back, and against seconds, per pool."""
    trainings = [row for row in rows if row["kind"] == "training"]
    judged = [row for row in rows if row["kind"] == "evaluation"]
    if not judged:
        return None
    pools = _distinct(trainings, "pool")
    figure, panels = _panels(len(pools), 2)
    for line, pool in zip(panels, pools, strict=True):
        for label in _distinct(trainings, "label"):
            runs = [r for r in trainings if (r["pool"], r["label"]) == (pool, label)]
            answers = [r for r in judged if (r["pool"], r["label"]) == (pool, label)]
            _draw_costs(line, runs, answers, label)
        title = f"{pool}, {max(row['shot'] for row in judged)}-shot, inductive"
        line[0].set(title=title, xscale="symlog", ylabel="accuracy, %")
        line[0].set(xlabel="images through teachers, forward and back")
        line[1].set(title=title, xscale="log", xlabel="training, processor seconds")
    _legend(panels[0][-1])
    return figure


def _draw_costs(
    panels: "Sequence[Axes]", runs: Sequence[Row], answers: Sequence[Row], label: str
) -> None:
    if not runs or not answers:
        return
    first = answers[0]
    mine = [
        row
        for row in answers
        if (row["head_asked"], row["calibrate"]) == (first["head_asked"], first["calibrate"])
    ]
    shot = max(row["shot"] for row in mine)
    figure = accuracy_figure(mine, shot=shot, batchnorm=BATCHNORMS[0])
    if figure is None:
        return
    costs = [run["costs"] for run in runs]
    images = statistics.fmean(c["teacher_images"] + c["teacher_backward_images"] for c in costs)
    seconds = max(statistics.fmean(c["cpu_s"] for c in costs), _SHORTEST_S)
    for axes, x in zip(panels, (images, seconds), strict=True):
        axes.errorbar(x, figure.mean, yerr=figure.interval95, fmt="o", capsize=3, label=label)


def recovered_projection(rows: Sequence[Row]) -> "Figure | None":
    """Plot one set of recovered images per algorithm as several teachers see it (t-SNE)."""
    shown = [row for row in rows if row["kind"] == "training" and row["projection"]]
    if not shown:
        return None
    n_teachers = max(len(row["projection"]["teachers"]) for row in shown)
    figure, panels = _panels(len(shown), n_teachers, size=(2.6, 2.6))
    for line, row in zip(panels, shown, strict=True):
        labels = row["projection"]["labels"]
        for axes, seen in zip(line, row["projection"]["teachers"], strict=False):
            xs, ys = zip(*seen["places"], strict=True)
            axes.scatter(xs, ys, c=labels, cmap="tab10", vmin=0, vmax=9, s=10)
            axes.set(title=f"{row['label']}\nseen by {seen['name']}", xticks=[], yticks=[])
    return figure


def gradient_agreement(rows: Sequence[Row]) -> "Figure | None":
    titles = {
        "gradient_inner_product": "mean pairwise inner product of gradients",
        "gradient_cosine": "mean pairwise cosine of gradients",
    }
    measured = [
        row
        for row in rows
        if row["kind"] == "training" and all(name in row["metrics"] for name in titles)
    ]
    if not measured:
        return None
    pools = _distinct(measured, "pool")
    figure, panels = _panels(len(pools), len(titles))
    for line, pool in zip(panels, pools, strict=True):
        for axes, (name, title) in zip(line, titles.items(), strict=True):
            for label in _distinct(measured, "label"):
                runs = [r for r in measured if (r["pool"], r["label"]) == (pool, label)]
                if runs:
                    _draw_metric(axes, [run["metrics"][name] for run in runs], label)
            axes.set(title=f"{pool}\n{title}", xlabel="outer step")
    _legend(panels[0][-1])
    return figure


def _draw_metric(axes: "Axes", series: Sequence[list[list[float]]], label: str) -> None:
    steps = [int(step) for step, _ in series[0]]
    values = [[value for _, value in column] for column in zip(*series, strict=True)]
    axes.plot(steps, [statistics.fmean(v) for v in values], marker=".", label=label)
    if len(series) > 1:
        axes.fill_between(steps, [min(v) for v in values], [max(v) for v in values], alpha=0.2)


def _panels(
    n_rows: int, n_columns: int, size: tuple[float, float] = _PANEL
) -> "tuple[Figure, list[list[Axes]]]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] * n_columns, size[1] * n_rows), layout="tight")
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    return figure, [list(line) for line in grid]


def _legend(axes: "Axes") -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False)


def _distinct(rows: Sequence[Row], name: str) -> list[str]:
    return list(dict.fromkeys(row[name] for row in rows))


_FIGURES: "dict[str, Callable[[Sequence[Row]], Figure | None]]" = {
    "accuracy_over_time": accuracy_over_time,
    "recovery_cost": recovery_cost,
    "recovered_tsne": recovered_projection,
    "gradient_agreement": gradient_agreement,
}
