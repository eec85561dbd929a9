"""Uploads go in as whatever people send, and come out as our own files or as a sentence."""

import zipfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from metalearn.checkpoint import fingerprint, read_tensors
from metalearn.networks import NetworkSpec, build_network
from tests.metalearn.checkpoint.hostile import Hostile, corpus
from worker.sandbox import validation
from worker.sandbox.client import Outcome, SandboxError
from worker.sandbox.validation import LIMITS, DeclaredUpload, ValidationResult, validate_file

CANARY = Path("/tmp/freehold-canary-that-must-never-exist")
CASES = corpus(CANARY)
BOMBS = [case for case in CASES if case.group in {"pickle bombs", "shape bombs"}]
ONE_OF_EACH = {case.group: case for case in CASES}.values()
DECLARED = DeclaredUpload(32, (0.5,) * 3, (0.5,) * 3, ("a", "b", "c"), channels=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nobody else has put anything into it."""
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module", autouse=True)
def _close_at_the_end() -> Iterator[None]:
    yield
    validation.close()


@pytest.fixture
def upload(folder: Path) -> Path:
    torch.manual_seed(0)
    network = build_network(NetworkSpec("conv4", 8, 3, 32, 3))
    path = folder / "upload.pt"
    torch.save({"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, path)
    return path


def test_an_honest_file_becomes_our_own_bit_for_bit(upload: Path, folder: Path) -> None:
    target = folder / "model.safetensors"
    result = validate_file(upload, target, DECLARED)
    assert result == ValidationResult(
        ok=True,
        architecture="conv4",
        width=8,
        n_classes=3,
        n_parameters=result.n_parameters,
        fingerprint=fingerprint(read_tensors(upload)),
        size_bytes=target.stat().st_size,
        reading=result.reading,
    )
    assert result.reading["told_by"] == "tensors" and result.reading["guessed"] is True
    assert result.reading["candidates"] == ["conv4"] and result.reading["left_out"] == []
    ours, theirs = read_tensors(target), read_tensors(upload)
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert sorted(path.name for path in folder.iterdir()) == ["model.safetensors", "upload.pt"]


def test_a_zip_of_a_folder_is_read_by_the_confined_reader_too(upload: Path, folder: Path) -> None:
    path = folder / "upload"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(upload, "my model/weights.pt")
        archive.writestr("my model/classes.txt", "cat\ndog\nemu\n")
    upload.unlink()
    result = validate_file(path, folder / "model", replace(DECLARED, class_names=()))
    assert (result.ok, result.reason, result.architecture) == (True, "", "conv4")
    assert result.filled["class_names"] == ["cat", "dog", "emu"]
    assert sorted(path.name for path in folder.iterdir()) == ["model", "upload"]


def test_a_validation_with_a_warm_zygote_is_quick(
    upload: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validation._sandbox.start()
    warm, spent, call = validation._sandbox._process, [], validation._sandbox.call

    def counted(*said: Any, **more: Any) -> Outcome:
        outcome = call(*said, **more)
        spent.append(outcome.cpu_s)
        return outcome

    monkeypatch.setattr(validation._sandbox, "call", counted)
    assert validate_file(upload, folder / "target", DECLARED).ok
    assert validation._sandbox._process is warm
    assert len(spent) == 1 and spent[0] < 1  # of the processor, whatever else the machine does


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"class_names": ("a", "b")}, "3 outputs"),
        ({"architecture": "resnet10"}, "architecture"),
        ({"architecture": "perceptron"}, "no architecture “perceptron”"),
        ({"channels": 1}, "channels"),
        ({"image_size": 84}, "correct the image size"),
        ({"image_size": 100_000}, "image size"),
        ({"std": (0.5, 0.0, 0.5)}, "positive"),
    ],
)
def test_a_wrong_declaration_is_refused_and_leaves_nothing(
    upload: Path, folder: Path, changes: dict[str, Any], says: str
) -> None:
    result = validate_file(upload, folder / "target", replace(DECLARED, **changes))
    assert not result.ok
    assert says in result.reason
    assert [path.name for path in folder.iterdir()] == ["upload.pt"]


def _refuse_within_256_mb(case: Hostile, folder: Path) -> None:
    path = folder / "upload"
    path.write_bytes(case.data)
    outcome = validation._sandbox.call(
        "worker.sandbox.conversion:convert",
        {"source": str(path), "target": str(folder / "target"), "declared": asdict(DECLARED)},
        replace(LIMITS, memory_bytes=256_000_000),
        reads=[path],
        writes=[folder],
    )
    assert outcome.kind == "answered" and outcome.answer["ok"] is False
    # What fits no network is refused before its tensors are read, and so before their bytes lie.
    reason = outcome.answer["reason"]
    assert case.says in reason or "match no classifier" in reason
    assert outcome.cpu_s < 2  # the time of day would depend on what else the machine does
    assert not (folder / "target").exists() and not CANARY.exists()


@pytest.mark.parametrize("case", [*BOMBS, *ONE_OF_EACH], ids=lambda case: case.name)
def test_bombs_are_refused_in_2_s_and_256_mb(case: Hostile, folder: Path) -> None:
    _refuse_within_256_mb(case, folder)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.group}: {case.name}")
def test_every_hostile_file_is_refused_in_2_s_and_256_mb(case: Hostile, folder: Path) -> None:
    _refuse_within_256_mb(case, folder)


def test_a_network_that_torch_has_no_memory_for_is_refused_for_that(folder: Path) -> None:
    """Its file is small; what it makes of two images of 512 pixels is not."""
    path = folder / "upload"
    torch.save(build_network(NetworkSpec("conv4", 64, 3, 512, 3)).state_dict(), path)
    outcome = validation._sandbox.call(
        "worker.sandbox.conversion:convert",
        {
            "source": str(path),
            "target": str(folder / "target"),
            "declared": asdict(replace(DECLARED, image_size=512)),
        },
        replace(LIMITS, memory_bytes=150_000_000),
        reads=[path],
        writes=[folder],
    )
    assert outcome.kind == "memory"
    assert not (folder / "target").exists()


@pytest.mark.parametrize("kind", ["time", "memory", "crashed"])
def test_a_reader_that_dies_is_a_refusal_and_leaves_nothing(
    upload: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    target = folder / "target"

    def die(*_: object, **__: object) -> Outcome:
        target.write_bytes(b"half")
        (folder / ".target.12345678.partial").write_bytes(b"half")
        return Outcome(kind, {})

    monkeypatch.setattr(validation._sandbox, "call", die)
    result = validate_file(upload, target, DECLARED)
    assert not result.ok and result.reason.endswith(".")
    assert [path.name for path in folder.iterdir()] == ["upload.pt"]


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": True, "width": "8"},
        {"ok": True, "unheard": 1},
        {"ok": True, "size_bytes": 7},
        {"ok": "yes"},
    ],
)
def test_an_answer_that_makes_no_sense_is_a_refusal(
    upload: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, object]
) -> None:
    target = folder / "target"
    target.write_bytes(b"something")
    outcome = Outcome("answered", answer)
    monkeypatch.setattr(validation._sandbox, "call", lambda *_, **__: outcome)
    assert not validate_file(upload, target, DECLARED).ok
    assert not target.exists()


def test_a_full_disk_is_our_trouble_not_the_files(upload: Path, folder: Path) -> None:
    with pytest.raises(SandboxError, match="could not be written"):
        validate_file(upload, folder / "missing" / "target", DECLARED)
