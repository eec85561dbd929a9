"""A file is converted to our own format, or refused; here without a sandbox around it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from metalearn.checkpoint import fingerprint, read_tensors
from metalearn.networks import NetworkSpec, build_network
from worker.sandbox.conversion import convert
from worker.sandbox.validation import DeclaredUpload

DECLARED = DeclaredUpload(32, (0.5,) * 3, (0.5,) * 3, ("a", "b", "c"), channels=3)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Weights of a small network with three outputs."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(NetworkSpec("conv4", 4, 3, 32, 3))
    torch.save(network.state_dict(), tmp_path / "upload.pt")
    return tmp_path / "upload.pt"


def converted(source: Path, target: Path, declared: DeclaredUpload = DECLARED) -> dict[str, Any]:
    """The answer about this file."""
    said = {"source": str(source), "target": str(target), "declared": asdict(declared)}
    return convert(said)


def test_the_answer_has_the_facts_of_what_was_written(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.safetensors"
    answer = converted(source, target)
    assert answer["ok"] is True
    assert (answer["architecture"], answer["width"], answer["n_classes"]) == ("conv4", 4, 3)
    assert answer["fingerprint"] == fingerprint(read_tensors(target))
    assert answer["size_bytes"] == target.stat().st_size
    assert answer["filled"] == {}


def test_what_was_left_open_is_filled_in_with_where_it_comes_from(
    source: Path, tmp_path: Path
) -> None:
    declared = DeclaredUpload(0, (), (), ("a", "b", "c"))
    answer = converted(source, tmp_path / "model.safetensors", declared)
    assert answer["ok"] is True
    assert {"image_size", "channels", "mean", "std"} <= set(answer["filled"])
    assert set(answer["reading"]["filled"]) == {"image_size", "normalisation"}


def test_a_file_that_does_not_fit_is_refused_with_a_sentence(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.safetensors"
    declared = DeclaredUpload(32, (0.5,) * 3, (0.5,) * 3, ("a", "b"), channels=3)
    answer = converted(source, target, declared)
    assert answer["ok"] is False and answer["reason"].endswith(".")
    assert not target.exists()


def test_a_target_that_cannot_be_written_is_no_fault_of_the_file(
    source: Path, tmp_path: Path
) -> None:
    answer = converted(source, tmp_path / "missing" / "model.safetensors")
    assert answer["ok"] is False and answer["disk_error"]
