from dataclasses import replace
from pathlib import Path

import pytest
import torch

from metalearn.bench import read_suite, report, run_suite, write_report
from metalearn.bench.suite import BEST_TEACHER


@pytest.mark.long
def test_the_page_has_tables_figures_and_the_command(suite_file: Path, tmp_path: Path) -> None:
    suite = read_suite(suite_file)
    out = tmp_path / "out"
    rows = [done.row for done in run_suite(suite, out, torch.device("cpu"))]
    files = write_report(suite, rows, out, "python -m metalearn bench --suite tiny.toml")
    figures = ["accuracy_over_time", "recovery_cost", "recovered_tsne", "gradient_agreement"]
    assert [path.name for path in files] == ["README.md", *(f"{name}.svg" for name in figures)]
    page = files[0].read_text()
    assert page.startswith("# Tiny\n") and "nothing learned" in page
    for path in files:
        assert "python -m metalearn bench --suite tiny.toml" in path.read_text()
        assert path.name in page
    before = {path: path.read_bytes() for path in files}
    write_report(suite, rows, out, "python -m metalearn bench --suite tiny.toml")
    assert before == {path: path.read_bytes() for path in files}


def test_without_matplotlib_the_page_says_so(
    suite_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "can_plot", lambda: False)
    suite = read_suite(suite_file)
    rows = [done.row for done in run_suite(suite, tmp_path / "out", torch.device("cpu"))]
    (page,) = write_report(suite, rows, tmp_path / "out", "command")
    assert "install the optional group “bench”" in page.read_text()


def test_the_page_says_on_which_judged_classes_settings_were_found(
    suite_file: Path, tmp_path: Path
) -> None:
    suite = read_suite(suite_file)
    for tuned_on, said in (((), 0), (("noise",), 1), (("elsewhere",), 0)):
        asked = replace(suite, tuned_on=tuned_on)
        (page, *_) = write_report(asked, [], tmp_path, "command")
        assert page.read_text().count("settings were found on noise") == said


def test_the_page_says_that_an_oracle_is_one(suite_file: Path, tmp_path: Path) -> None:
    suite = read_suite(suite_file)
    for label, says in ((BEST_TEACHER, "chosen on the judged classes"), ("Lite0", "as it is publ")):
        row = {"kind": "reference", "pool": "tiny", "scenario": "SS", "teachers": 3, "seed": 0}
        row |= {"label": label, "learner": "model_1", "pack": "noise", "shot": 1, "way": 2}
        row |= {"episodes": 4, "head_asked": "default", "calibrate": "none"}
        row |= {"batchnorm": "inductive", "accuracy": 50.0, "interval95": 1.0}
        (page, *_) = write_report(suite, [row], tmp_path, "command")
        hints = [line for line in page.read_text().splitlines() if line.startswith("* ")]
        assert sum(says in line for line in hints[2:]) == 1
