"""`bench` measures what is missing, writes its page, and refuses in one sentence."""

from pathlib import Path

import pytest

from metalearn.cli import main
from tests.metalearn.bench.tiny_suite import write_suite


@pytest.fixture
def suite_file(tmp_path: Path) -> Path:
    return write_suite(tmp_path)


@pytest.mark.long
def test_bench_compares_and_goes_on_where_it_stopped(
    suite_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["bench", "--suite", str(suite_file), "--quick", "--device", "cpu"]
    command += ["--out", str(tmp_path / "out")]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "tiny, FREE, seed 0: trained in" in text and "1-shot" in text and "README.md" in text
    page = (tmp_path / "out" / "README.md").read_text()
    assert "python -m metalearn bench --suite tiny.toml --quick --again\n" in page
    assert str(tmp_path) not in page
    assert main(command) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert main([*command, "--again", "FREE"]) == 0
    text = capsys.readouterr().out
    assert "FREE, seed 0: trained in" in text and text.count("trained in") == 1
    assert main([*command, "--again", "nobody"]) == 2
    assert "its labels are" in capsys.readouterr().err


@pytest.mark.long
def test_bench_measures_some_rows_and_leaves_the_others_as_they_are(
    suite_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["bench", "--suite", str(suite_file), "--quick", "--device", "cpu"]
    command += ["--out", str(tmp_path / "out")]
    page = tmp_path / "out" / "README.md"
    assert main([*command, "--only", "nothing learned"]) == 0
    assert "FREE on tiny: It has not been measured yet." in page.read_text()
    assert main([*command, "--only", "FREE"]) == 0
    text = capsys.readouterr().out
    assert text.count("trained in") == 2 and "not been measured" not in page.read_text()
    whole = page.read_text()
    assert main(command) == 0
    assert page.read_text() == whole
    for folder in (tmp_path / "pool").iterdir():
        folder.unlink()
    assert main([*command, "--only"]) == 0
    assert page.read_text() == whole
    assert main([*command, "--only", "nobody"]) == 2
    assert "The suite has no row “nobody”" in capsys.readouterr().err


def test_bench_refuses_what_is_not_there(
    suite_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for suite, says in (("nothing", "no suite"), (str(suite_file), "--data-root")):
        assert main(["bench", "--suite", suite, "--data-root", str(tmp_path / "empty")]) == 2
        errors = capsys.readouterr().err
        assert errors.count("\n") == 1 and says in errors
