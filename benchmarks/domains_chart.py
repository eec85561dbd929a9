"""The table of `benchmarks.real_domains` as a chart: grouped bars with their intervals.

`python -m benchmarks.domains_chart FILE [FILE ...] --out PICTURE.svg`

FILE is the output of that command's `--json`, one for each head. Needs the optional group `bench`.
"""

import argparse
import io
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

TITLE = "Accuracy on classes of three domains that no model was trained on"
ROWS = ("public backbone at 224", "learner", "best model")
HEADS = {"prototypes": "nearest centroid", "ridge": "ridge"}
# Colours for colour-blind readers (Okabe & Ito). The first is for the public baseline.
COLOURS = ("#8a8a8a", "#0072b2", "#56b4e9", "#009e73", "#e69f00", "#cc79a7")
# Placeholders that no bar uses. They become CSS variables, which a dark page overrides.
INK, PAPER = "#010203", "#fefdfc"
STYLE = (
    ":root{--ink:#1c2733;--paper:#ffffff}"
    "@media(prefers-color-scheme:dark){:root{--ink:#dde5ec;--paper:#14191f}}"
)
Found = dict[str, dict[str, Any]]
"""Evaluations in JSON form by domain and shots, such as “groceries 1”."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="The table of real domains as a picture.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="PICTURE.svg")
    parser.add_argument(
        "--rows", nargs="+", default=ROWS, metavar="BEGINNING", help="rows whose titles begin so"
    )
    options = parser.parse_args(arguments)
    tables = [_chosen(json.loads(file.read_text()), options.rows) for file in options.files]
    if not all(0 < len(table) <= len(COLOURS) for table in tables):
        parser.error(f"A chart has 1 to {len(COLOURS)} rows; choose them by --rows.")
    options.out.write_text(picture(tables))


def _chosen(table: dict[str, Found], beginnings: Sequence[str]) -> dict[str, Found]:
    return {title: row for title, row in table.items() if title.startswith(tuple(beginnings))}


def picture(tables: Sequence[dict[str, Found]]) -> str:
    # A fixed salt for element ids: the same numbers give the same bytes.
    names = {"svg.hashsalt": "freehold", "svg.fonttype": "none"}
    inks = dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor"), INK)
    ticks = dict.fromkeys(("xtick.color", "ytick.color"), INK)
    style: dict[Any, Any] = {**names, **inks, **ticks, "axes.axisbelow": True}
    with rc_context(style):
        figure = _figure(tables)
        file = io.StringIO()
        figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    return _themed(file.getvalue(), _in_words(tables))


def _figure(tables: Sequence[dict[str, Found]]) -> Figure:
    shots = sorted({figure["shot"] for row in tables[0].values() for figure in row.values()})
    figure = Figure(figsize=(5.0 * len(shots), 3.2 * len(tables)), layout="tight", facecolor=PAPER)
    panels = figure.subplots(len(tables), len(shots), squeeze=False, sharey=True)
    for line, table in zip(panels, tables, strict=True):
        for axes, shot in zip(line, shots, strict=True):
            _draw(axes, table, shot)
        line[0].set_ylabel("accuracy, %")
    highest = max(
        found["accuracy"] for table in tables for row in table.values() for found in row.values()
    )
    panels[0][0].set_ylim(15, highest + 5)
    figure.suptitle(TITLE)
    bars: list[Any] = [each for each in panels[0][0].containers if isinstance(each, BarContainer)]
    figure.legend(
        [*bars, Line2D([], [], color=INK, linestyle="dotted")],
        [*(_legend_name(title) for title in tables[0]), "guessing"],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        frameon=False,
        ncols=3,
    )
    return figure


def _draw(axes: Axes, table: dict[str, Found], shot: int) -> None:
    """Draw the bars of one number of shots, starting at chance level."""
    first = next(iter(table.values()))
    keys = [key for key, found in first.items() if found["shot"] == shot]
    guesses = [100 / first[key]["way"] for key in keys]
    width = 0.8 / len(table)
    for place, (row, colour) in enumerate(zip(table.values(), COLOURS, strict=False)):
        found = [row[key] for key in keys]
        axes.bar(
            [group - 0.4 + width * (place + 0.5) for group in range(len(keys))],
            [one["accuracy"] - guess for one, guess in zip(found, guesses, strict=True)],
            width * 0.9,
            bottom=guesses,
            yerr=[one["interval95"] for one in found],
            color=colour,
            error_kw={"ecolor": INK, "elinewidth": 1, "capsize": 2},
        )
    for group, guess in enumerate(guesses):
        axes.hlines(guess, group - 0.42, group + 0.42, INK, linestyles="dotted")
    names = [f"{key.rsplit(' ', 1)[0]}\n{first[key]['way']}-way" for key in keys]
    head = first[keys[0]]["head"]
    pictures = f"{shot} picture{'s' if shot > 1 else ''} of each class"
    axes.set_title(f"{pictures}, {HEADS.get(head, head)}", fontsize=10)
    axes.set_xticks(range(len(keys)), names)
    axes.set_facecolor(PAPER)
    axes.grid(axis="y", color=INK, alpha=0.15)
    axes.spines[["top", "right"]].set_visible(False)


def _legend_name(title: str) -> str:
    return title.removeprefix("learner ")


def _in_words(tables: Sequence[dict[str, Found]]) -> str:
    """Describe every figure in words, for screen readers."""
    sentences = []
    for table in tables:
        for title, row in table.items():
            figures = ", ".join(
                f"{key.rsplit(' ', 1)[0]} with {found['shot']}: {found['accuracy']:.1f} %"
                for key, found in row.items()
            )
            head = next(iter(row.values()))["head"]
            sentences.append(f"{_legend_name(title)}, {HEADS.get(head, head)}: {figures}.")
    return " ".join([*sentences, "Dotted lines show what guessing gives."])


def _themed(svg: str, words: str) -> str:
    about = (
        f'<title id="title">{escape(TITLE)}</title>\n<desc id="words">\n'
        f"{escape(textwrap.fill(words, 120))}\n</desc>\n<style>{STYLE}</style>\n"
    )
    head, opening, rest = svg.partition("<svg ")
    attributes, _, body = rest.partition(">")
    whole = f'{head}{opening}role="img" aria-labelledby="title words" {attributes}>\n{about}{body}'
    return whole.replace(INK, "var(--ink)").replace(PAPER, "var(--paper)")


if __name__ == "__main__":
    main()
