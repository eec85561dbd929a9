"""Rows as Markdown tables: accuracy with its interval, inductive first, and costs."""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scipy.special import stdtrit

from metalearn.bench.judging import BATCHNORMS
from metalearn.bench.rows import REFERENCE, Row

BEST_TITLE = "best of the run, chosen on the judged classes (not comparable)"


class Figure(NamedTuple):
    """A mean and the half-width of its 95 % interval, or None if there is none."""

    mean: float
    interval95: float | None

    def __str__(self) -> str:
        if self.interval95 is None:
            return f"{self.mean:.2f}"
        return f"{self.mean:.2f} ± {self.interval95:.2f}"


def over_seeds(values: Sequence[float], own_interval: float | None = None) -> Figure:
    """Return the mean over seeds with Student's interval, or with `own_interval` for one seed."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Figure(mean, own_interval)
    quantile = float(stdtrit(len(values) - 1, 0.975))
    return Figure(mean, quantile * statistics.stdev(values) / len(values) ** 0.5)


def tables(rows: Sequence[Row]) -> list[str]:
    lines: list[str] = []
    known = [row for row in rows if row["kind"] != "refused"]
    for pool in _distinct(known, "pool"):
        mine = [row for row in known if row["pool"] == pool]
        first = mine[0]
        lines += [f"## {pool}: {first['scenario']}, {first['teachers']} models", ""]
        lines += _accuracy_tables(mine)
        lines += _cost_table(mine)
    return [*lines, *_refusals(rows)]


def _refusals(rows: Sequence[Row]) -> list[str]:
    refused = [row for row in rows if row["kind"] == "refused"]
    if not refused:
        return []
    reasons = dict.fromkeys(
        f"* {row['label']} on {row['pool']}: {row['reason']}" for row in refused
    )
    return ["## Not run", "", *reasons, ""]


def _accuracy_tables(rows: Sequence[Row]) -> list[str]:
    lines: list[str] = []
    trainings = {row["key"]: row for row in rows if row["kind"] == "training"}
    judged = [row for row in rows if row["kind"] in {"evaluation", REFERENCE}]
    packs = _distinct(judged, "pack")
    for head in _distinct(judged, "head_asked"):
        for calibrate in _distinct(judged, "calibrate"):
            some = [r for r in judged if (r["head_asked"], r["calibrate"]) == (head, calibrate)]
            for names in ([name] for name in packs):
                lines += _accuracy_table(some, names, trainings)
            if len(packs) > 1:
                lines += _accuracy_table(some, packs, trainings)
    return lines


def _accuracy_table(rows: Sequence[Row], packs: list[str], trainings: dict[str, Row]) -> list[str]:
    mine = [row for row in rows if row["pack"] in packs]
    shots = sorted({row["shot"] for row in mine})
    one = mine[0]
    best = _has_best(trainings.values())
    title = f"**{packs[0]}**" if len(packs) == 1 else f"**Mean of {', '.join(packs)}**"
    cells = [f"{shot}-shot {batchnorm}" for shot in shots for batchnorm in BATCHNORMS]
    if best:
        cells += [f"{shot}-shot transductive, {BEST_TITLE}" for shot in shots]
    lines = [
        f"{title}, {one['way']}-way, {one['episodes']} episodes, head {one['head_asked']}, "
        f"calibration {one['calibrate']}; accuracy in %",
        "",
        f"| algorithm | seeds | judged learner | {' | '.join(cells)} |",
        f"|---|---:|---|{'---:|' * len(cells)}",
    ]
    for label in _distinct(mine, "label"):
        of_label = [row for row in mine if row["label"] == label]
        keys = dict.fromkeys(row["training"] for row in of_label if row["kind"] == "evaluation")
        runs = [trainings[key] for key in keys]
        figures = [
            _accuracy_cell(of_label, shot=shot, batchnorm=batchnorm)
            for shot in shots
            for batchnorm in BATCHNORMS
        ]
        if best:
            figures += [str(_best_figure(runs, packs, shot)) if runs else "–" for shot in shots]
        learner = _judged_learner(runs) if runs else ", ".join(_distinct(of_label, "learner"))
        head = f"{_named(label, runs)} | {len({row['seed'] for row in of_label})} | {learner}"
        lines.append(f"| {head} | {' | '.join(figures)} |")
    return [*lines, ""]


def _accuracy_cell(rows: Sequence[Row], *, shot: int, batchnorm: str) -> str:
    figure = accuracy_figure(rows, shot=shot, batchnorm=batchnorm)
    return "–" if figure is None else str(figure)


def accuracy_figure(rows: Sequence[Row], *, shot: int, batchnorm: str) -> Figure | None:
    """Return one algorithm's accuracy: the mean over packs for each seed, then over seeds.

    None without a matching row, such as for a learner whose inductive adaptation diverges.
    """
    some = [row for row in rows if (row["shot"], row["batchnorm"]) == (shot, batchnorm)]
    if not some:
        return None
    by_seed: dict[int, list[Row]] = {}
    for row in some:
        by_seed.setdefault(row["seed"], []).append(row)
    means = [statistics.fmean(row["accuracy"] for row in group) for group in by_seed.values()]
    # Packs have independent episodes: the variance of a mean of k is 1/k^2 of the sum.
    own = sum(row["interval95"] ** 2 for row in some) ** 0.5 / len(some)
    return over_seeds(means, own)


def _best_figure(runs: Sequence[Row], packs: list[str], shot: int) -> Figure:
    """Return each pack's highest transductive accuracy along the curve, as the papers report it."""
    means = []
    for run in runs:
        highest = []
        for pack in packs:
            points = [
                found["accuracy"]
                for point in run["curve"]
                for found in point["accuracies"]
                if (found["pack"], found["shot"], found["batchnorm"]) == (pack, shot, BATCHNORMS[1])
            ]
            highest.append(max(points))
        means.append(statistics.fmean(highest))
    return over_seeds(means)


def _has_best(trainings: Iterable[Row]) -> bool:
    kinds = [
        {found["batchnorm"] for point in run["curve"] for found in point["accuracies"]}
        for run in trainings
    ]
    return all(kind == set(BATCHNORMS) for kind in kinds) and bool(kinds)


def _named(label: str, runs: Sequence[Row]) -> str:
    """Return the label, with the preset if there is one and the label does not name it."""
    ran = runs[0].get("ran", "") if runs else ""
    return f"{label}: {ran}" if ran.endswith(")") and ran not in label else label


def _judged_learner(runs: Sequence[Row]) -> str:
    if all(run["selected_step"] == run["steps"] for run in runs):
        return f"last of {runs[0]['steps']} steps"
    steps = ", ".join(str(run["selected_step"]) for run in runs)
    return f"step {steps} of {runs[0]['steps']}, chosen on pseudo-tasks"


_COSTS = {
    "clock s": "wall_s",
    "processor s": "cpu_s",
    "teacher passes": "teacher_calls",
    "images through teachers": "teacher_images",
    "… and back": "teacher_backward_images",
    "generator passes": "generator_calls",
    "images through generators": "generator_images",
    "… and back ": "generator_backward_images",
}


def _cost_table(rows: Sequence[Row]) -> list[str]:
    runs = [row for row in rows if row["kind"] == "training"]
    if not runs:
        return []
    titles = [*_COSTS, "images recovered", "an episode, ms"]
    lines = [
        "Costs of one training, mean over seeds; last, an adaptation with its queries, inductive",
        "",
        f"| algorithm | {' | '.join(title.strip() for title in titles)} |",
        f"|---|{'---:|' * len(titles)}",
    ]
    for label in _distinct(runs, "label"):
        mine = [run for run in runs if run["label"] == label]
        cells = [_mean([run["costs"][name] for run in mine]) for name in _COSTS.values()]
        cells.append(_mean([run["images_recovered"] for run in mine]))
        cells.append(_mean(_episode_ms([row for row in rows if row["label"] == label])))
        lines.append(f"| {_named(label, mine)} | {' | '.join(cells)} |")
    return [*lines, ""]


def _episode_ms(rows: Sequence[Row]) -> list[float]:
    return [
        # Older rows have no `episode_s`; every episode then was a separate adaptation.
        1000 * row.get("episode_s", row["wall_s"] / row["episodes"])
        for row in rows
        if row["kind"] == "evaluation" and row["batchnorm"] == BATCHNORMS[0]
    ]


def _mean(values: Sequence[float | None]) -> str:
    if not values:
        return "–"
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "not counted"
    mean = statistics.fmean(known)
    return f"{mean:,.1f}" if mean < 100 and isinstance(known[0], float) else f"{mean:,.0f}"


def _distinct(rows: Iterable[Row], name: str) -> list[str]:
    return list(dict.fromkeys(row[name] for row in rows))
