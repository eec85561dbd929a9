"""References: the pool's models by themselves, and published weights, without any method."""

import statistics
from pathlib import Path

import pytest
import torch

from metalearn.bench import Suite, projection, read_suite, run_suite
from metalearn.bench.materials import load_pool
from metalearn.bench.references import evenly_spread, learner_of
from metalearn.bench.rows import REFERENCE, Row
from metalearn.bench.suite import BEST_TEACHER, MEAN_TEACHER
from metalearn.datasets import read_data
from metalearn.evaluation import EvaluationPlan, evaluate

CPU = torch.device("cpu")
EACH = '[[references]]\nname = "each_teacher"\n'
BACKBONE = '[[references]]\nname = "public_backbone"\ncheckpoint = "{}"\nimage_size = 16\n'


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "can_project", lambda: False)


def with_references(file: Path, text: str, shots: str = "[1, 2]") -> Suite:
    before = file.read_text().replace("shots = [1]", f"shots = {shots}")
    file.write_text(before.replace("[[algorithms]]", f"{text}\n[[algorithms]]", 1))
    suite = read_suite(file)
    return suite.narrowed([label for entry in suite.references for label in entry.labels])


def rows(suite: Suite, out: Path) -> list[Row]:
    return [done.row for done in run_suite(suite, out, CPU)]


def test_the_mean_and_the_oracle_are_those_of_the_models_judged_one_by_one(
    suite_file: Path, tmp_path: Path
) -> None:
    suite = with_references(suite_file, EACH)
    found = {(row["label"], row["shot"]): row for row in rows(suite, tmp_path / "out")}
    pool = load_pool(suite.pools[0]).pool
    data = read_data(suite.packs["noise"], channels=3, image_size=16)
    for shot in (1, 2):
        plan = EvaluationPlan(n_way=2, k_shot=shot, n_query=3, episodes=4)
        alone = {
            t.name: evaluate(learner_of(t), data.by_class(), plan).accuracy for t in pool.teachers
        }
        mean, best = found[MEAN_TEACHER, shot], found[BEST_TEACHER, shot]
        assert mean["accuracy"] == pytest.approx(statistics.fmean(alone.values()))
        assert best["accuracy"] == pytest.approx(max(alone.values()))
        assert alone[best["learner"]] == max(alone.values())
        assert mean["learner"] == "each of 3 models"
    assert {row["kind"] for row in found.values()} == {REFERENCE}


def test_fewer_models_are_taken_from_the_whole_pool(suite_file: Path, tmp_path: Path) -> None:
    suite = with_references(suite_file, f"{EACH}models = 2\n")
    assert rows(suite, tmp_path / "out")[0]["learner"] == "each of 2 models"
    pool = load_pool(suite.pools[0]).pool
    names = [teacher.name for teacher in pool.teachers]
    assert [t.name for t in evenly_spread(pool, 2)] == [names[0], names[1]]
    assert [t.name for t in evenly_spread(pool, None)] == names
    assert [t.name for t in evenly_spread(pool, 5)] == names


def test_rows_that_are_there_are_not_measured_again(suite_file: Path, tmp_path: Path) -> None:
    suite = with_references(suite_file, EACH)
    first = list(run_suite(suite, tmp_path / "out", CPU))
    second = list(run_suite(suite, tmp_path / "out", CPU))
    assert all(done.fresh for done in first) and not any(done.fresh for done in second)
    assert [done.row for done in first] == [done.row for done in second]


def test_published_weights_are_a_row_of_their_own(suite_file: Path, tmp_path: Path) -> None:
    (weights,) = sorted((tmp_path / "pool").glob("model_0*.safetensors"))[:1]
    text = BACKBONE.format(f"pool/{weights.name}")
    (row,) = rows(with_references(suite_file, text, "[1]"), tmp_path / "out")
    assert row["kind"] == REFERENCE and row["label"] == "public backbone"
    assert row["learner"] == f"{weights.name} at 16 px" and row["episodes"] == 4


def test_published_weights_that_are_absent_are_skipped_with_a_sentence(
    suite_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (row,) = rows(with_references(suite_file, BACKBONE.format("weights/lite.pth")), out)
    assert row["kind"] == "refused" and str(tmp_path) not in row["reason"]
    assert row["reason"].startswith("The published weights “weights/lite.pth” do not exist")
    assert not (out / "rows.jsonl").exists()
