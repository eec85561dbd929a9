"""Figures are drawn from the rows that they need, the same bytes each time."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib")

from metalearn.bench.plots import accuracy_over_time, draw_all, gradient_agreement


def training(label: str, seed: int, accuracy: float | None, **changes: Any) -> dict[str, Any]:
    found = {"shot": 1, "batchnorm": "inductive", "accuracy": accuracy, "pack": "p"}
    other = {"shot": 5, "batchnorm": "inductive", "accuracy": 50.0, "pack": "p"}
    points = [other] if accuracy is None else [found, other]
    curve = [{"step": step, "wall_s": float(step), "accuracies": points} for step in (1, 2)]
    row = {"kind": "training", "pool": "tiny", "label": label, "seed": seed, "curve": curve}
    return row | {"metrics": {}, "projection": None} | changes


def test_rows_without_a_training_give_no_figure(tmp_path: Path) -> None:
    assert draw_all([{"kind": "reference"}], tmp_path, "command") == []
    assert accuracy_over_time([training("a", 0, 50.0, curve=[])]) is None
    assert gradient_agreement([training("a", 0, 50.0)]) is None
    assert list(tmp_path.iterdir()) == []


def test_a_curve_is_the_mean_over_seeds() -> None:
    figure = accuracy_over_time([training("a", 0, 40.0), training("a", 1, 60.0)])
    assert figure is not None
    one_shot, five_shot = figure.axes
    (line,) = one_shot.get_lines()
    assert line.get_xydata().tolist() == [[1, 50], [2, 50]]
    assert five_shot.get_title() == "tiny, 5-shot, inductive"


def test_a_learner_whose_steps_run_away_has_no_curve_there() -> None:
    figure = accuracy_over_time([training("a", 0, 40.0), training("b", 0, None)])
    assert figure is not None
    assert [len(axes.get_lines()) for axes in figure.axes] == [1, 2]


def test_agreement_is_drawn_along_the_steps_of_those_that_measure_it(tmp_path: Path) -> None:
    metrics = {name: [[1, 0.5], [4, 0.7]] for name in ("gradient_inner_product", "gradient_cosine")}
    rows = [training("a", 0, 40.0, metrics=metrics), training("b", 0, 40.0)]
    figure = gradient_agreement(rows)
    assert figure is not None
    for axes in figure.axes:
        (line,) = axes.get_lines()
        assert line.get_xydata().tolist() == [[1, 0.5], [4, 0.7]]
