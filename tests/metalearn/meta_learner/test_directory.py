"""The learner directory: equal after a round trip, whole or absent, and refused when malformed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metalearn.errors import InvalidCheckpoint
from metalearn.meta_learner import MetaLearner, directory


@pytest.fixture
def saved(learner: MetaLearner, tmp_path: Path) -> Path:
    learner.save(tmp_path / "learner")
    return tmp_path / "learner"


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


def test_the_card_names_algorithm_input_teachers_and_licences(saved: Path) -> None:
    card = (saved / "README.md").read_text()
    front = card.split("---")[1]
    assert 'algorithm: "free"' in front
    assert 'teacher_licences: ["CC-BY-4.0"]' in front
    assert "16 x 16 pixels" in card
    assert "| Animals | ada |" in card


def test_card_and_provenance_say_whose_weights_the_learner_holds(
    learner: MetaLearner, tmp_path: Path
) -> None:
    (used,) = learner.teachers
    copied = [replace(used, name=name, copied=True) for name in ("Birds", "Fish_2")]
    learner.teachers = (used, *copied)
    learner.save(tmp_path / "copy")
    card = (tmp_path / "copy" / "README.md").read_text()
    section = card.split("## Made from")[1].split("## Limits")[0]
    assert "copies of, or computed from, those of: Birds, Fish\\_2." in section
    records = json.loads((tmp_path / "copy" / "provenance.json").read_text())
    assert [record.get("copied") for record in records] == [None, True, True]
    assert MetaLearner.load(tmp_path / "copy").teachers == learner.teachers
    learner.teachers = (used,)
    learner.save(tmp_path / "own")
    assert "copies of" not in (tmp_path / "own" / "README.md").read_text()


def test_the_card_lists_every_setting_of_the_run(saved: Path) -> None:
    card = (saved / "README.md").read_text()
    made, settings = card.split("## How it was made")[1].split("### Settings")
    assert "| seed | 7 |" in made
    assert "| outer\\_steps | 10 |" in settings


def test_the_card_speaks_of_recovered_images_only_where_some_may_have_been(
    learner: MetaLearner, tmp_path: Path
) -> None:
    cards = {}
    for recovers in (True, False, None):
        # A learner of before the entry existed says nothing, which is no denial.
        entry = {} if recovers is None else {"recovers_images": recovers}
        learner.made_by = {"algorithm": "free", **entry}
        learner.save(tmp_path / "learner")
        cards[recovers] = (tmp_path / "learner" / "README.md").read_text()
    for recovers in (True, None):
        assert (
            "\nwere recovered to make this learner, with their owners' consent" in cards[recovers]
        )
    assert "No images were recovered" in cards[False]
    assert "with their owners' consent" not in cards[False]
    assert all("|  |" not in card for card in cards.values())


def test_names_from_people_cannot_break_the_card(learner: MetaLearner, tmp_path: Path) -> None:
    hostile = "a|b\n---\n# <script>x</script>[l](http://e)"
    bad = learner.teachers[0].__class__(hostile, hostile, "", hostile, True)
    MetaLearner(
        learner.network,
        mean=learner.mean,
        std=learner.std,
        teachers=[bad],
        made_by={"name": "x\ny"},
    ).save(tmp_path / "l")
    card = (tmp_path / "l" / "README.md").read_text()
    body = card.split("\n---\n", 1)[1]
    assert "<script>" not in body
    assert "[l](" not in body
    assert [line for line in card.splitlines() if line.startswith("#")][0] == "# x y"
    assert sum(line == "---" for line in card.splitlines()) == 2


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
