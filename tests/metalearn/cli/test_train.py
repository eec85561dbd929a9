"""A run writes a learner, or refuses in one sentence before it works."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from metalearn.meta_learner import MetaLearner
from tests.metalearn.cli.commands import refused, run


def test_train_writes_a_learner(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "learner"
    setting = ("--set", "n_way=2", "--set", "learner_width=4")
    assert run("train", "random_init", "--pool", pool, "--out", out, "--models", 2, *setting) == 0
    learner = MetaLearner.load(out)
    assert len(learner.teachers) == 2 and learner.made_by["algorithm"] == "random_init"
    assert (out / "provenance.json").is_file() and (out / "README.md").is_file()
    assert str(out) in capsys.readouterr().out


@pytest.mark.long
def test_train_takes_a_preset_and_says_what_ran(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "learner"
    values = {
        "warm_up_steps": 1, "outer_steps": 1, "generator_width": 8, "latent_dim": 8, "n_way": 2,
        "images_per_class": 3, "k_shot": 1, "n_query": 1, "replay_batches": 1, "replay_episodes": 1,
    }  # fmt: skip
    small = [text for name, value in values.items() for text in ("--set", f"{name}={value}")]
    assert run("train", "free", "--pool", pool, "--out", out, "--preset", "released", *small) == 0
    title = "FREE (released, 10 settings changed)"
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{title}: the meta-learner is in ")
    made_by = MetaLearner.load(out).made_by
    assert made_by["settings"]["preset"] == "released"
    assert made_by["settings"]["distillation"] == "as_released"
    assert made_by["title"] == title and str(made_by["name"]).startswith(f"{title} on ")
    assert title in (out / "README.md").read_text().replace("\\", "")


def test_train_refuses_a_preset_that_there_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Before the pool is looked at, which is not there either.
    rest = ("--pool", tmp_path / "none", "--out", tmp_path / "out", "--preset", "huge")
    assert "one of standard, published, released" in refused(capsys, "train", "free", *rest)
    assert "Random initialisation has no presets" in refused(capsys, "train", "random_init", *rest)


@pytest.mark.long
def test_train_holds_no_more_models_than_it_is_told_and_makes_the_same(
    pool: Path, tmp_path: Path
) -> None:
    setting = ("--set", "outer_steps=1", "--set", "pictures_per_step=32", "--set", "memory=64")
    learners = []
    for name, room in (("all", ()), ("one", ("--pool-mb", 0))):
        out = tmp_path / name
        assert run("train", "chorus", "--pool", pool, "--out", out, *setting, *room) == 0
        learners.append(MetaLearner.load(out).network.state_dict())
    assert all(torch.equal(learners[0][key], learners[1][key]) for key in learners[0])


@pytest.mark.long
def test_pictures_of_ones_own_are_learned_from_where_they_lie(
    pool: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = ("--set", "outer_steps=1", "--set", "pictures_per_step=32", "--set", "memory=64")
    folder = ("--pictures-folder", pictures / "support")
    out = tmp_path / "learner"
    assert run("train", "chorus", "--pool", pool, "--out", out, *setting, *folder) == 0
    assert "4 pictures in the operator's folder" in capsys.readouterr().out
    assert MetaLearner.load(out).made_by["operator_pictures"] == 4
    command = ("--pool", pool, "--dry-run")
    text = refused(capsys, "train", "chorus", *command, "--set", "own_pictures=true")
    assert "give one with --pictures-folder" in text
    text = refused(capsys, "train", "average", *command, *folder)
    assert "does not learn from your own pictures" in text


def test_train_says_in_its_first_line_what_it_needs(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", "average", "--pool", pool, "--out", tmp_path / "learner") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("The run needs about") and "MB of memory" in first


@pytest.mark.long
def test_a_run_that_needs_more_memory_than_it_may_have_is_refused_before_it_starts(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("train", "chorus", "--pool", pool, "--out", tmp_path / "out", "--memory-mb")
    text = refused(capsys, *command, 1)
    enough = int(re.search(r"raise --memory-mb to (\d+)", text)[1])
    assert not (tmp_path / "out").exists()
    assert run("train", "chorus", "--pool", pool, "--dry-run", "--memory-mb", 2 * enough) == 0


def test_train_refuses_before_it_works(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("train", "random_init", "--pool", pool, "--out")
    out = tmp_path / "out"
    assert "no algorithm" in refused(capsys, "train", "magic", "--pool", pool, "--out", out)
    assert "no setting" in refused(capsys, *command, out, "--set", "colour=red")
    assert "not a setting" in refused(capsys, *command, out, "--set", "n_way")
    assert "whole number" in refused(capsys, *command, out, "--set", "n_way=many")
    for device in ("abacus", "meta"):
        assert "no device" in refused(capsys, *command, out, "--device", device)
    assert "manifest" in refused(capsys, "train", "random_init", "--pool", tmp_path, "--out", out)
    assert "is not a meta-learner" in refused(capsys, *command, pool)
    assert "give one with --out" in refused(capsys, "train", "random_init", "--pool", pool)
    assert not out.exists()


@pytest.mark.slow
def test_an_interrupt_leaves_nothing_half_written(pool: Path, tmp_path: Path) -> None:
    out = tmp_path / "learner"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "metalearn", "train", "free", "--pool", str(pool),
            "--out", str(out), "--set", "n_way=2", "--set", "outer_steps=100000",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A suite in the background of a shell ignores interrupts, and its children would too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout is not None
    assert "needs about" in process.stdout.readline()
    assert "step 1" in process.stdout.readline()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped" in errors and "Traceback" not in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pool"]
