import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from metalearn.bench import projection, read_suite, run_suite, training
from metalearn.bench.run import ROWS
from metalearn.bench.suite import Suite
from metalearn.errors import InvalidData, InvalidPool, InvalidSetting

CPU = torch.device("cpu")
N_ROWS = 2 * (1 + 2)  # algorithms, (a training, inductive and transductive)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "can_project", lambda: False)
    monkeypatch.setattr(training, "PSEUDO_EPISODES", 4)


def rows(suite: Suite, out: Path) -> list[dict[str, Any]]:
    return [done.row for done in run_suite(suite, out, CPU)]


def comparable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without what depends on the clock."""
    plain = json.loads(json.dumps(rows))
    for row in plain:
        for place in (row, row.get("costs", {}), *row.get("curve", [])):
            for name in ("wall_s", "cpu_s", "episode_s"):
                place.pop(name, None)
    return plain


def with_suite(file: Path, old: str, new: str) -> Suite:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return read_suite(file)


def test_an_algorithm_can_be_judged_inductively_alone(suite_file: Path, tmp_path: Path) -> None:
    suite = with_suite(
        suite_file, 'name = "random_init"', 'name = "random_init"\ninductive_only = true'
    )
    judged = [row for row in rows(suite, tmp_path / "out") if row["kind"] == "evaluation"]
    kinds = [(row["algorithm"], row["batchnorm"]) for row in judged]
    assert kinds == [
        ("random_init", "inductive"), ("free", "inductive"), ("free", "transductive"),
    ]  # fmt: skip
    assert all(row["episode_s"] > 0 for row in judged)


def test_every_run_is_trained_and_judged_in_both_ways(suite_file: Path, tmp_path: Path) -> None:
    done = rows(read_suite(suite_file), tmp_path / "out")
    assert len(done) == N_ROWS
    free = next(row for row in done if row["kind"] == "training" and row["label"] == "FREE")
    assert free["scenario"] == "SS" and free["teachers"] == 3
    assert free["steps"] == free["selected_step"] == 3
    assert [point["step"] for point in free["curve"]] == [2, 3]
    assert {a["batchnorm"] for point in free["curve"] for a in point["accuracies"]} == {"inductive"}
    assert free["metrics"]["gradient_cosine"]
    assert free["costs"]["wall_s"] > 0 and free["machine"]["device"]
    # 3 steps x 2 teachers x 2 passes x 8 images; of the 2 outer steps all images are kept.
    assert free["costs"]["generator_images"] == 3 * 2 * 2 * 8
    assert free["costs"]["generator_calls"] == 3 * 2 * 2
    assert free["images_recovered"] == 2 * 2 * 8
    judged = [row for row in done if row["kind"] == "evaluation"]
    assert {row["batchnorm"] for row in judged} == {"inductive", "transductive"}
    assert all(row["episodes"] == 4 and 0 <= row["accuracy"] <= 100 for row in judged)


def test_rows_that_are_there_are_not_measured_again(suite_file: Path, tmp_path: Path) -> None:
    suite = read_suite(suite_file)
    first = list(run_suite(suite, tmp_path / "out", CPU))
    text = (tmp_path / "out" / ROWS).read_text()
    second = list(run_suite(suite, tmp_path / "out", CPU))
    assert all(done.fresh for done in first) and not any(done.fresh for done in second)
    assert [done.row for done in first] == [done.row for done in second]
    assert (tmp_path / "out" / ROWS).read_text() == text


@pytest.mark.long
def test_an_interrupted_suite_ends_as_one_that_was_not(suite_file: Path, tmp_path: Path) -> None:
    suite = read_suite(suite_file)
    # A process measures once what an image takes in a model, and the first run's costs count that.
    rows(suite, tmp_path / "first")
    whole = rows(suite, tmp_path / "whole")
    for stop in (2, 4):
        running = run_suite(suite, tmp_path / "cut", CPU)
        for _ in range(stop):
            next(running)
        assert isinstance(running, Generator)
        running.close()
        with (tmp_path / "cut" / ROWS).open("a") as file:
            file.write('{"key": "torn')
    assert comparable(rows(suite, tmp_path / "cut")) == comparable(whole)


@pytest.mark.long
def test_another_head_costs_no_training(suite_file: Path, tmp_path: Path) -> None:
    rows(read_suite(suite_file), tmp_path / "out")
    more = with_suite(suite_file, "way = 2", 'way = 2\nheads = ["default", "sgd"]')
    fresh = [done.row for done in run_suite(more, tmp_path / "out", CPU) if done.fresh]
    assert {row["kind"] for row in fresh} == {"evaluation"}
    assert {row["head"] for row in fresh} == {"sgd"}


def test_another_setting_is_another_run(suite_file: Path, tmp_path: Path) -> None:
    rows(read_suite(suite_file), tmp_path / "out")
    more = with_suite(suite_file, "generator_steps = 2", "generator_steps = 1")
    fresh = [done.row for done in run_suite(more, tmp_path / "out", CPU) if done.fresh]
    assert {row["label"] for row in fresh} == {"FREE"}


def test_a_learner_can_be_chosen_on_recovered_tasks(suite_file: Path, tmp_path: Path) -> None:
    suite = with_suite(suite_file, "query = 3", 'query = 3\nselection = "pseudo"')
    done = [row for row in rows(suite, tmp_path / "out") if row["kind"] == "training"]
    for row in done:
        steps = {point["step"] for point in row["curve"]}
        assert row["selected_step"] in (steps if row["label"] == "FREE" else {row["steps"]})


def test_the_best_on_the_judged_classes_is_measured_only_when_asked_for(
    suite_file: Path, tmp_path: Path
) -> None:
    suite = with_suite(suite_file, "query = 3", "query = 3\nbest_on_judged = true")
    done = [row for row in rows(suite, tmp_path / "out") if row["kind"] == "training"]
    found = [a for row in done for point in row["curve"] for a in point["accuracies"]]
    assert {a["batchnorm"] for a in found} == {"inductive", "transductive"}
    assert {a["episodes"] for a in found} == {4}


def test_what_is_missing_is_named_before_anything_is_trained(
    suite_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(InvalidData, match=r"needs the data pack “.*noise\.npz”, .* --data-root"):
        rows(with_suite(suite_file, 'noise = "noise.npz"', 'noise = "x/noise.npz"'), out)
    with pytest.raises(InvalidPool, match="needs the pool “.*lake”, .* `pretrain`"):
        rows(with_suite(suite_file, '["pool"]', '["lake"]'), out)
    with_suite(suite_file, '["lake"]', '["pool"]')
    with_suite(suite_file, "x/noise.npz", "noise.npz")
    with pytest.raises(InvalidSetting, match="wants the algorithm “magic”"):
        rows(with_suite(suite_file, '"free"', '"magic"'), out)
    with_suite(suite_file, '"magic"', '"free"')
    with pytest.raises(InvalidSetting, match="no setting “colour”"):
        rows(with_suite(suite_file, "warm_up_steps", "colour"), out)
    assert not out.exists()


def test_an_algorithm_that_refuses_a_pool_does_not_stop_the_others(
    suite_file: Path, tmp_path: Path
) -> None:
    suite = with_suite(suite_file, "settings = { n_way = 2 }", "quick = {}")
    free = replace(suite.algorithms[1], settings=suite.algorithms[1].settings | {"n_way": 20})
    suite = replace(suite, algorithms=(free, suite.algorithms[0]))
    done = list(run_suite(suite, tmp_path / "out", CPU))
    assert [one.row["kind"] for one in done] == ["refused", "training"] + 2 * ["evaluation"]
    assert "classes together, fewer than the" in done[0].row["reason"]
    assert '"refused"' not in (tmp_path / "out" / ROWS).read_text()


def test_every_seed_has_its_own_episodes(suite_file: Path, tmp_path: Path) -> None:
    suite = with_suite(suite_file, "seeds = [0]", "seeds = [0, 1]")
    done = rows(replace(suite, algorithms=suite.algorithms[:1]), tmp_path / "out")
    assert [row["seed"] for row in done if row["kind"] == "training"] == [0, 1]
    assert len({row["key"] for row in done}) == len(done) == N_ROWS
