"""The chart of real domains: what it shows, what it says in words, and its two sets of colours."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.domains_chart import COLOURS, INK, PAPER, main


def table(titles: list[str], head: str = "prototypes") -> dict[str, object]:
    return {
        title: {
            f"clothes {shot}": {
                "accuracy": 50.04 + place + shot, "interval95": 0.5, "way": 3, "shot": shot,
                "head": head,
            }
            for shot in (1, 5)
        }
        for place, title in enumerate(titles)
    }  # fmt: skip


def drawn(folder: Path, *tables: dict[str, object]) -> str:
    files = []
    for number, each in enumerate(tables):
        files.append(folder / f"{number}.json")
        files[-1].write_text(json.dumps(each))
    main([*map(str, files), "--out", str(folder / "chart.svg")])
    return (folder / "chart.svg").read_text()


def test_a_chart_has_its_rows_and_no_single_models(tmp_path: Path) -> None:
    titles = [
        "public backbone at 224 px",
        "model_1",
        "learner soup at 224 px",
        "best model (oracle)",
    ]
    svg = drawn(tmp_path, table(titles))
    assert "soup at 224 px" in svg and "best model (oracle)" in svg and "model_1" not in svg
    for colour in COLOURS[:3]:
        assert f"fill: {colour}" in svg
    assert f"fill: {COLOURS[3]}" not in svg


def test_a_reader_of_screens_hears_every_figure(tmp_path: Path) -> None:
    svg = drawn(tmp_path, table(["learner soup"]), table(["learner soup"], "ridge"))
    root = ElementTree.fromstring(svg)
    names = {child.get("id"): " ".join((child.text or "").split()) for child in root}
    assert root.get("role") == "img" and root.get("aria-labelledby") == "title words"
    assert names["title"].startswith("Accuracy on classes")
    for head in ("nearest centroid", "ridge"):
        assert f"soup, {head}: clothes with 1: 51.0 %, clothes with 5: 55.0 %." in names["words"]


def test_colours_of_text_and_ground_follow_the_page(tmp_path: Path) -> None:
    svg = drawn(tmp_path, table(["learner soup"]))
    assert "prefers-color-scheme:dark" in svg and "var(--ink)" in svg and "var(--paper)" in svg
    assert INK not in svg and PAPER not in svg


def test_the_same_numbers_give_the_same_file(tmp_path: Path) -> None:
    assert drawn(tmp_path, table(["learner a"])) == drawn(tmp_path, table(["learner a"]))


def test_a_chart_without_rows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        drawn(tmp_path, table(["model_1"]))
    assert "choose them by --rows" in capsys.readouterr().err
