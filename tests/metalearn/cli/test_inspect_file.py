"""A file is shown as an upload of it would be read, and refused as that would be."""

import json
from pathlib import Path

import pytest
import torch

from tests.metalearn.cli.commands import refused, run


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
