"""Every command does its work, and refuses with exit code 2 and one sentence."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from metalearn.checkpoint import read_pool
from metalearn.cli import build_parser, main
from metalearn.meta_learner import MetaLearner
from tests.foreign import foreign_files


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence with which the command refuses."""
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and captured.err.endswith(".\n")
    assert "Traceback" not in captured.err
    return captured.err


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


def test_inspect_shows_a_file(pool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = pool / "model_0.safetensors"
    assert run("inspect", file) == 0
    text = capsys.readouterr().out
    assert "conv4, width 4" in text and "2 (day, night)" in text and "head.weight" in text
    assert run("inspect", file, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["fingerprint"] in text and facts["image_size"] == 16


def test_inspect_hides_control_characters_and_refuses_what_an_upload_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from metalearn.checkpoint import write_safetensors
    from metalearn.networks import NetworkSpec, build_network

    card = json.dumps({"class_names": ["\x1b[2Jevil", "x" * 70], "image_size": 32})
    write_safetensors({"w": torch.ones(3)}, tmp_path / "a", {"freehold": card})
    assert "no classifier" in refused(capsys, "inspect", tmp_path / "a")

    state = build_network(NetworkSpec("conv4", 4, 3, 32, 2)).state_dict()
    write_safetensors(state, tmp_path / "b", {"freehold": card})
    assert run("inspect", tmp_path / "b") == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text and "evil" in text and "x" * 61 not in text
    assert "a guess from the tensors alone" in text
    why = refused(capsys, "inspect", tmp_path / "b", "--architecture", "resnet10")
    assert "is not resnet10" in why


def test_inspect_refuses_what_is_no_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"GGUF" + bytes(100))
    assert "GGUF" in refused(capsys, "inspect", tmp_path / "file")
    assert "check the path" in refused(capsys, "inspect", tmp_path / "missing")


def test_pretrain_makes_a_pool_that_train_can_read(
    pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    options = ("--models", 2, "--way", 2, "--width", 4, "--epochs", 2, "--device", "cpu")
    assert run("pretrain", pack, "--out", out, *options) == 0
    captured = capsys.readouterr()
    assert captured.out.count("held-out") == 2
    assert "pretrained 2/2" in captured.err
    teachers = read_pool(out).teachers
    assert teachers[0].class_names == ("day", "night")
    assert teachers[0].extra["dataset"] == "pack"
    assert "not empty" in refused(capsys, "pretrain", pack, "--out", out, *options)


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


def test_pictures_of_ones_own_are_learned_from_where_they_lie(
    pool: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = ("--set", "outer_steps=1", "--set", "pictures_per_step=32", "--set", "memory=64")
    folder = ("--pictures-folder", pictures / "support")
    out = tmp_path / "learner"
    assert run("train", "chorus", "--pool", pool, "--out", out, *setting, *folder) == 0
    assert "4 pictures of the operator's own folder" in capsys.readouterr().out
    assert MetaLearner.load(out).made_by["operator_pictures"] == 4
    command = ("--pool", pool, "--dry-run")
    text = refused(capsys, "train", "chorus", *command, "--set", "own_pictures=true")
    assert "give one with --pictures-folder" in text
    assert "no pictures of one's own" in refused(capsys, "train", "average", *command, *folder)


def test_train_says_in_its_first_line_what_it_needs(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", "average", "--pool", pool, "--out", tmp_path / "learner") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("The run needs about") and "MB of memory" in first


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


def test_evaluate_reports_what_the_contract_says(
    learner: Path, pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command: tuple[Any, ...] = ("evaluate", learner, "--data", pack)
    command += ("--way", 2, "--shot", 1, "--query", 3)
    command += ("--episodes", 5, "--head", "sgd", "--calibrate", "icfil", "--set", "inner_steps=2")
    assert run(*command, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert 0 <= result["accuracy"] <= 100 and result["interval95"] >= 0
    expected = {
        "episodes": 5,
        "way": 2,
        "shot": 1,
        "batchnorm": "inductive",
        "head": "sgd",
        "calibrate": "icfil",
    }
    assert expected.items() <= result.items()
    assert run(*command) == 0
    assert f"{result['accuracy']:.2f} ±" in capsys.readouterr().out
    assert "only 2 classes" in refused(capsys, *command, "--way", 5)


def test_adapt_labels_pictures(
    learner: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("adapt", learner, "--support", pictures / "support", "--query", pictures / "query")
    assert run(*command, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["labels"] == ["day", "night"]
    assert [p["image"] for p in answer["predictions"]] == [
        "day/0.png", "day/1.png", "night/0.png", "night/1.png",
    ]  # fmt: skip
    for prediction in answer["predictions"]:
        assert prediction["label"] == Path(prediction["image"]).parent.name
        assert sum(prediction["probabilities"]) == pytest.approx(1, abs=1e-4)
    assert run(*command) == 0
    assert "day/0.png\tday\t" in capsys.readouterr().out


def test_adapt_names_the_picture_that_cannot_be_read(
    learner: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "query" / "broken.png").write_bytes(b"\x89PNG no")
    command = ("adapt", learner, "--support", pictures / "support", "--query", pictures / "query")
    assert "broken.png" in refused(capsys, *command)


def test_adapt_passes_over_what_systems_leave_behind(
    learner: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "support" / "__MACOSX").mkdir()
    (pictures / "query" / "__MACOSX").mkdir()
    for name in ("support/day/.DS_Store", "support/__MACOSX/x.png", "query/Thumbs.db"):
        (pictures / name).write_bytes(b"x")
    command = ("adapt", learner, "--support", pictures / "support", "--query", pictures / "query")
    assert run(*command, "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["labels"] == ["day", "night"]
    assert said.err == ""


def test_adapt_refuses_what_is_no_picture_of_ours_with_what_to_do(
    learner: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "query" / "photo.jpg").write_bytes(foreign_files()["an HEIC picture"][0])
    command = ("adapt", learner, "--support", pictures / "support", "--query", pictures / "query")
    said = refused(capsys, *command)
    assert "photo.jpg” is an HEIC picture, which Freehold cannot read; export it as JPEG" in said


def test_adapt_warns_once_of_pictures_that_are_nearly_black(
    learner: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("7.png", "8.png"):
        dark = Image.fromarray(np.full((20, 20), 4000, np.uint16))
        dark.save(pictures / "query" / "night" / name)
    command = ("adapt", learner, "--support", pictures / "support", "--query", pictures / "query")
    assert run(*command) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "7.png” and 1 other look nearly black: " in line


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        "algorithms",
        "inspect",
        "pack",
        "pretrain",
        "train",
        "evaluate",
        "adapt",
        "bench",
    ):
        with pytest.raises(SystemExit) as leaving:
            build_parser().parse_args([command, "--help"])
        assert leaving.value.code == 0
        assert f"metalearn {command}" in capsys.readouterr().out


def test_a_bar_is_drawn_on_a_terminal(
    pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    command = ("train", "random_init", "--pool", pool, "--out", tmp_path / "learner")
    # The settings of the other test, so that its graphs do for both.
    assert run(*command, "--set", "n_way=2", "--set", "learner_width=4") == 0
    assert "100%" in capsys.readouterr().err


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


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m metalearn algorithms | head -1",
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == "" and done.stdout


@pytest.mark.parametrize(
    ("option", "value"),
    [("--seed", str(2**63)), ("--seed", "9" * 5000), ("--models", "0"), ("--seed", "-1")],
)
def test_numbers_out_of_their_range_are_refused_by_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "random_init", "--pool", str(tmp_path), "--out", "x", option, value])
    assert ended.value.code == 2
    assert f"{option}: {value[:30]} is not between" in capsys.readouterr().err
