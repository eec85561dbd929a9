"""The index has every architecture that was probed well, and twins share what they compute."""

import json
from dataclasses import replace

from metalearn.networks.indexing import _functions, _to_run, _written
from metalearn.networks.probing import Probed

ONE = Probed(
    "timm/one", family="A", heads=["fc"], features=4, size=32, parameters=100,
    mean=[0.5] * 3, std=[0.25] * 3, names="a", shapes="b", outputs=[1.0, 0.5],
)  # fmt: skip
TWIN = replace(ONE, name="timm/twin", outputs=[1.0, 0.50001])
OTHER = replace(ONE, name="timm/other", outputs=[1.0, -0.5])
LARGE = replace(ONE, name="timm/large", parameters=200_000_000, outputs=[])
LONELY = replace(ONE, name="timm/lonely", shapes="c", family="B", parameters=300)
SMALLER = replace(LONELY, name="timm/smaller", shapes="d", parameters=200)
REFUSED = Probed("timm/refused", family="C", refused="it computes nothing from a picture")


def test_twins_whose_outputs_agree_compute_the_same_and_those_not_run_nothing_else_does() -> None:
    found = _functions([ONE, TWIN, OTHER, LARGE, LONELY])
    assert found["timm/one"] == found["timm/twin"]
    numbers = {found[name] for name in ("timm/one", "timm/other", "timm/large", "timm/lonely")}
    assert len(numbers) == 4


def test_twins_are_run_unless_they_are_very_large_and_of_others_the_smallest_of_a_class() -> None:
    chosen = {one.name for one in _to_run([ONE, TWIN, LARGE, LONELY, SMALLER, REFUSED])}
    assert chosen == {"timm/one", "timm/twin", "timm/smaller"}


def test_what_was_refused_is_not_written_nor_is_anything_of_its_class() -> None:
    alike = replace(LONELY, name="timm/alike", family="C")
    written = json.loads(_written([ONE, alike, REFUSED]))
    (row,) = written["architectures"]
    values = dict(zip(written["columns"], row, strict=True))
    assert (values["name"], values["features"], values["function"]) == ("timm/one", 4, 0)
    assert written["not_linear"] == {}
