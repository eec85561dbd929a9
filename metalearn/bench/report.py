"""The report of a suite: tables, figures and the command that makes them."""

from collections.abc import Sequence
from pathlib import Path

from metalearn.bench.plots import can_plot, draw_all
from metalearn.bench.rows import REFERENCE, Row
from metalearn.bench.run import ROWS
from metalearn.bench.suite import BEST_TEACHER, MEAN_TEACHER, SELECTIONS, Suite
from metalearn.bench.table import tables

PAGE = "README.md"
MISSING = (
    "There are no figures: matplotlib and scikit-learn are not installed; "
    "install the optional group “bench”."
)
_CAPTIONS = {
    "accuracy_over_time": "Accuracy along training; bands are the range over seeds",
    "recovery_cost": "What recovery costs, and what it brings; bars are 95 % intervals",
    "recovered_tsne": "One set of recovered images as several teachers see it, by t-SNE of their "
    "features; colours are the classes it was recovered for",
    "gradient_agreement": "How far the teachers' gradients point the same way, as the algorithms "
    "measure it; bands are the range over seeds",
}


def write_report(suite: Suite, rows: Sequence[Row], out: Path, command: str) -> list[Path]:
    """Write the page and its figures into `out`; `command` is what reproduces them."""
    figures = draw_all(rows, out, command) if can_plot() else []
    page = out / PAGE
    page.write_text("\n".join(_page(suite, rows, figures, command)), encoding="utf-8")
    return [page, *figures]


def _page(suite: Suite, rows: Sequence[Row], figures: Sequence[Path], command: str) -> list[str]:
    lines = [f"# {suite.title}", ""]
    if suite.text:
        lines += [suite.text, ""]
    lines += [*_how(suite, rows), "", *tables(rows)]
    for path in figures:
        lines += [f"**{_CAPTIONS[path.stem]}**", "", f"![{path.stem}]({path.name})", ""]
    if not can_plot():
        lines += [MISSING, ""]
    made = ", ".join(f"`{name}`" for name in (PAGE, ROWS, *(path.name for path in figures)))
    where = " (DATA is the folder with the pools and packs)" if " DATA" in command else ""
    return [*lines, f"{made} are made by{where}", "", "```", command, "```", ""]


def _how(suite: Suite, rows: Sequence[Row]) -> list[str]:
    several = len(suite.seeds) > 1
    interval = (
        f"mean over the seeds {', '.join(map(str, suite.seeds))} with Student's 95 % interval; "
        "each seed has its own episodes, the same for every algorithm"
        if several
        else f"one seed ({suite.seeds[0]}); the interval is that of the episodes alone, so it says "
        "nothing about how another seed would do"
    )
    judged = (
        "the learner of the last step"
        if suite.selection == SELECTIONS[0]
        else "the learner that did best on pseudo-tasks of recovered images, or that of the last "
        "step where a run keeps no such tasks"
    )
    machines = dict.fromkeys(_machine(row) for row in rows if row["kind"] == "training")
    return [
        f"* Figures: {interval}.",
        f"* Judged: {judged}; no learner of a run was chosen on the judged classes"
        + (" but in the last columns, which say so." if suite.best_on_judged else "."),
        *_references(rows),
        *_where_settings_are_from(suite),
        "* Inductive judges every picture by itself and is the headline; transductive looks at all "
        "queries of an episode together, as the published figures do.",
        "* Costs are those of training alone. A pass is one batch. Every pass through a teacher's "
        "first layer counts, whatever it is for.",
        f"* Machine: {'; '.join(machines)}.",
    ]


def _references(rows: Sequence[Row]) -> list[str]:
    labels = {row["label"] for row in rows if row["kind"] == REFERENCE}
    lines = []
    if BEST_TEACHER in labels:
        lines.append(
            f"* “{MEAN_TEACHER}” and “{BEST_TEACHER}”: every model of the pool by itself, by "
            "nearest centroid. The oracle is chosen on the judged classes, separately for each "
            "pack and number of shots, which takes labelled pictures of those classes."
        )
    if labels - {MEAN_TEACHER, BEST_TEACHER}:
        lines.append(
            "* The public backbone is as it is published, by nearest centroid, at its own size of "
            "pictures; what it was trained on may hold pictures of the judged classes."
        )
    return lines


def _where_settings_are_from(suite: Suite) -> list[str]:
    judged = {name for pool in suite.pools for name in pool.packs} & set(suite.tuned_on)
    if not judged:
        return []
    where = " and ".join(sorted(judged))
    return [f"* The algorithms' settings were found on {where}, so figures there are flattered."]


def _machine(row: Row) -> str:
    where = row["machine"]
    return (
        f"{where['device']}, {where['cores']} cores, {where['threads']} thread(s), "
        f"torch {where['torch']}"
    )
