"""Every file of the corpus is refused in a sentence, and nothing of it runs.

How quickly and in how much memory: tests/worker/sandbox/test_validation.py.
"""

from pathlib import Path

import pytest

from metalearn.checkpoint import read_tensors
from metalearn.checkpoint.model import Wanted, read_model
from metalearn.errors import InvalidCheckpoint
from tests.metalearn.checkpoint.hostile import Hostile, corpus

CANARY = Path("/tmp/freehold-canary-that-must-never-exist")
CASES = corpus(CANARY)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.group}: {case.name}")
def test_a_hostile_file_is_refused(
    case: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The run-time type checks of this test run make a million steps slow.
    monkeypatch.setattr("metalearn.checkpoint.pickle_machine.MAX_PICKLE_STEPS", 80_000)
    path = tmp_path / "upload.pt"
    path.write_bytes(case.data)
    with pytest.raises(InvalidCheckpoint) as refusal:
        read_tensors(path)
    with pytest.raises(InvalidCheckpoint):
        read_model(path, Wanted(file_name=path.name))  # as an upload is read
    sentence = str(refusal.value)
    assert case.says in sentence
    assert sentence.endswith(".") and sentence.isprintable() and len(sentence) < 600
    assert not CANARY.exists()


def test_the_corpus_is_large_and_its_cases_are_all_different() -> None:
    assert len(CASES) >= 150
    assert len({case.data for case in CASES}) == len(CASES)
    assert len({(case.group, case.name) for case in CASES}) == len(CASES)
