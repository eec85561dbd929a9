"""The algorithms are listed with their settings and presets."""

import json

import pytest

from tests.metalearn.cli.commands import run


def test_algorithms_are_listed_with_their_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("algorithms") == 0
    text = capsys.readouterr().out
    assert "free: FREE" in text and "outer_steps=" in text
    assert "--preset published  The paper's equations" in text
    assert run("algorithms", "--json") == 0
    entries = json.loads(capsys.readouterr().out)
    assert {"free", "random_init"} <= {entry["name"] for entry in entries}
    presets = {entry["name"]: [one["name"] for one in entry["presets"]] for entry in entries}
    assert presets["free"] == ["standard", "published", "released"]
    assert presets["random_init"] == []
