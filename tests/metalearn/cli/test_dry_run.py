"""A dry run says what the run would need and writes nothing."""

from pathlib import Path

import pytest

from tests.metalearn.cli.commands import run


@pytest.mark.long
def test_a_dry_run_says_what_the_run_would_need_and_writes_nothing(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    setting = ("--set", "outer_steps=3", "--set", "learner_width=4")
    assert run("train", "chorus", "--pool", pool, "--dry-run", *setting) == 0
    lines = capsys.readouterr().out.splitlines()
    told = {line.split()[0]: line for line in lines}
    assert told["steps"].split()[1] == "4"
    assert told["models"].endswith("3 of 3: model_0, model_1, model_2")
    for name, unit in (("memory", "MB"), ("disk", "MB"), ("work", "multiply-adds")):
        assert unit in told[name] and any(map(str.isdigit, told[name]))
    assert told["time"].split()[-1] in ("minute", "minutes", "hours")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_names_the_models_that_take_part_and_tells_the_notices(
    pool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = ("--set", "members=2")
    assert run("train", "teacher_ensemble", "--pool", pool, "--dry-run", *some) == 0
    assert "2 of 3: model_0, model_1\n" in capsys.readouterr().out
