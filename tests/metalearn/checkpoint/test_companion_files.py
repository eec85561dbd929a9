"""What the files beside the weights say of the model, as far as it can be true."""

import json
from pathlib import Path
from typing import Any

import pytest

from metalearn.checkpoint.companion_files import CompanionFiles, read_companion_files
from metalearn.errors import InvalidCheckpoint


def beside(folder: Path, **files: Any) -> CompanionFiles:
    """Of files by their names, with a dot for each double underscore."""
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("__", ".")).write_text(text)
    return read_companion_files(folder)


def test_an_empty_folder_says_nothing(tmp_path: Path) -> None:
    assert beside(tmp_path) == CompanionFiles()


def test_a_model_of_transformers_says_its_type_classes_and_input(tmp_path: Path) -> None:
    config = {"model_type": "vit", "id2label": {"1": "dog", "0": "cat"}, "hidden_size": 48}
    processor = {"image_mean": [0.5] * 3, "image_std": [0.2] * 3, "size": {"height": 64}}
    found = beside(tmp_path, config__json=config, preprocessor_config__json=processor)
    assert (found.kind, json.loads(found.config)) == ("vit", {"hidden_size": 48})
    assert found.said.class_names == ("cat", "dog")
    assert (found.said.mean, found.said.std) == ((0.5,) * 3, (0.2,) * 3)
    assert found.said.image_size == 64


def test_a_model_of_timm_says_its_architecture_and_what_it_was_trained_with(tmp_path: Path) -> None:
    inner = {"input_size": [3, 96, 96], "mean": [0.1, 0.2, 0.3], "license": "mit"}
    config = {"architecture": "resnet18", "label_names": ["a", "b"], "pretrained_cfg": inner}
    said = beside(tmp_path, config__json=config).said
    assert said.architectures == (("resnet18", "config.json"),)
    assert (said.class_names, said.image_size, said.licence) == (("a", "b"), 96, "mit")
    assert said.mean == (0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classes__txt", "cat\n dog \n\n"),
        ("labels__json", ["cat", "dog"]),
        ("class_to_idx__json", {"dog": 1, "cat": 0}),
    ],
)
def test_a_list_of_classes_is_read_in_its_order(tmp_path: Path, name: str, content: Any) -> None:
    assert beside(tmp_path, **{name: content}).said.class_names == ("cat", "dog")


@pytest.mark.parametrize(
    "labels", [{"0": "cat", "2": "dog"}, {"x": "cat"}, {"0": "cat", "1": "cat"}, {"0": "cat"}]
)
def test_labels_with_gaps_or_twice_are_no_class_names(
    tmp_path: Path, labels: dict[str, str]
) -> None:
    assert beside(tmp_path, config__json={"id2label": labels}).said.class_names is None


def test_what_is_not_json_or_of_an_unknown_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="type “llama”, which is not a supported image classifier"):
        beside(tmp_path, config__json={"model_type": "llama"})
    with pytest.raises(InvalidCheckpoint, match=r"config\.json is not JSON"):
        beside(tmp_path, config__json="{")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(json.dumps({"architecture": "resnet18"}))
    (tmp_path / "config.json").symlink_to(tmp_path / "elsewhere")
    assert read_companion_files(tmp_path) == CompanionFiles()
