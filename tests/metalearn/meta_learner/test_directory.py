"""The learner directory: equal after a round trip, whole or absent, and refused when malformed."""

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metalearn.errors import InvalidCheckpoint
from metalearn.meta_learner import MetaLearner, directory


def _edit(path: Path, *keys: str, value: Any) -> None:
    config = json.loads((path / "config.json").read_text())
    inner = config
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    (path / "config.json").write_text(json.dumps(config))


def test_a_learner_that_was_saved_and_loaded_is_bitwise_the_same(
    learner: MetaLearner, saved: Path
) -> None:
    loaded = MetaLearner.load(saved)
    for name, value in learner.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], value), name
    assert (loaded.spec, loaded.mean, loaded.std) == (learner.spec, learner.mean, learner.std)
    assert (loaded.defaults, loaded.made_by) == (learner.defaults, learner.made_by)
    assert loaded.teachers == learner.teachers
    support, labels = torch.rand(6, 3, 16, 16), torch.arange(3).repeat(2)
    query = torch.rand(4, 3, 16, 16)
    assert torch.equal(
        loaded.adapt(support, labels).logits(query), learner.adapt(support, labels).logits(query)
    )


def test_the_directory_holds_the_four_files_of_the_contract_and_nothing_else(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == {
        "model.safetensors",
        "config.json",
        "README.md",
        "provenance.json",
    }
    assert list(saved.parent.iterdir()) == [saved]
    (record,) = json.loads((saved / "provenance.json").read_text())
    assert set(record) == {"name", "owner", "sha256", "licence", "consent"}
    config = json.loads((saved / "config.json").read_text())
    assert config["made_by"]["seed"] == 7
    assert config["versions"]["torch"]


def test_saving_again_replaces_the_learner(learner: MetaLearner, saved: Path) -> None:
    changed = MetaLearner(learner.network, mean=learner.mean, std=learner.std, made_by={"seed": 8})
    changed.save(saved)
    assert MetaLearner.load(saved).made_by == {"seed": 8}
    assert list(saved.parent.iterdir()) == [saved]


def test_saving_refuses_to_replace_something_else(learner: MetaLearner, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"x")
    with pytest.raises(InvalidCheckpoint, match="not a learner directory"):
        learner.save(tmp_path / "photos")
    assert (tmp_path / "photos" / "cat.png").read_bytes() == b"x"


def test_a_failed_save_leaves_the_old_learner_and_no_rubbish(
    learner: MetaLearner, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(directory, "_write", full_disk)
    with pytest.raises(OSError, match="No space"):
        MetaLearner(learner.network, mean=learner.mean, std=learner.std).save(saved)
    assert list(saved.parent.iterdir()) == [saved]
    assert MetaLearner.load(saved).made_by == learner.made_by


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "provenance.json"])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(InvalidCheckpoint, match=name):
        MetaLearner.load(saved)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "provenance.json"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"[[[[" * 5_000, b"3"])
def test_a_damaged_file_is_named(saved: Path, name: str, content: bytes) -> None:
    (saved / name).write_bytes(content)
    with pytest.raises(InvalidCheckpoint, match=name):
        MetaLearner.load(saved)


def test_truncated_weights_are_refused(saved: Path) -> None:
    weights = saved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InvalidCheckpoint, match="cut short"):
        MetaLearner.load(saved)


@pytest.mark.parametrize(
    ("keys", "value", "sentence"),
    [
        (("format",), 99, "format 99"),
        (("architecture", "architecture"), "conv5", "no architecture “conv5”"),
        (("architecture", "width"), 8, "shape"),
        (("architecture", "width"), True, "“width”"),
        (("architecture", "image_size"), 10**9, "“image_size”"),
        (("architecture", "image_size"), 4, "at least 16 pixels"),
        (("architecture", "n_classes"), "5", "“n_classes”"),
        (("architecture", "extra"), 1, "incomplete"),
        (("architecture",), [], "no “architecture”"),
        (("normalisation", "mean"), [0.5], "3 numbers"),
        (("normalisation", "std"), [0.5, 0.5, 0.0], "above zero"),
        (("normalisation", "std"), [0.5, 0.5, float("nan")], "3 numbers"),
        (("adaptation", "inner_lr"), -1, "inner_lr"),
        (("adaptation", "telepathy"), 1, "telepathy"),
        (("made_by",), None, "made_by"),
    ],
)
def test_a_config_that_cannot_be_used_is_refused(
    saved: Path, keys: tuple[str, ...], value: object, sentence: str
) -> None:
    _edit(saved, *keys, value=value)
    with pytest.raises(InvalidCheckpoint, match=sentence):
        MetaLearner.load(saved)


def test_weights_that_do_not_fit_are_refused(saved: Path) -> None:
    state = safetensors.torch.load_file(saved / "model.safetensors")
    without = {name: value for name, value in state.items() if name != "head.bias"}
    cases = [
        (without, "lacks the tensor “head.bias”"),
        (state | {"extra": torch.zeros(1)}, "unknown tensor “extra”"),
        (state | {"head.bias": torch.zeros(6)}, "shape"),
        (state | {"head.bias": torch.full((5,), torch.nan)}, "not finite"),
    ]
    for tensors, sentence in cases:
        safetensors.torch.save_file(tensors, saved / "model.safetensors")
        with pytest.raises(InvalidCheckpoint, match=sentence):
            MetaLearner.load(saved)


def test_a_provenance_of_another_form_is_refused(saved: Path) -> None:
    (saved / "provenance.json").write_text('[{"name": "x", "wild": 1}]')
    with pytest.raises(InvalidCheckpoint, match=r"provenance\.json"):
        MetaLearner.load(saved)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.mark.long
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    key=st.sampled_from(["format", "architecture", "normalisation", "adaptation", "made_by"]),
    value=JSON,
)
def test_no_config_makes_loading_fail_in_any_other_way(
    learner: MetaLearner, tmp_path: Path, key: str, value: object
) -> None:
    path = tmp_path / "hostile"
    learner.save(path)
    _edit(path, key, value=value)
    try:
        MetaLearner.load(path)
    except InvalidCheckpoint as error:
        assert len(str(error)) < 400
