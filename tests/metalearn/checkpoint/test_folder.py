"""Folders of transformers and timm, and zips of them, say what is in them."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from contract.declared import DeclaredFile
from metalearn.checkpoint import inspect_checkpoint, read_checkpoint
from metalearn.checkpoint.limits import MAX_ZIP_ENTRIES
from metalearn.checkpoint.writing import write_checkpoint
from metalearn.errors import InvalidCheckpoint
from metalearn.networks.libraries import timm
from metalearn.networks.transformers_library import CLASSES, transformers

NAMES = ("cat", "dog", "emu", "fox")
SMALL: dict[str, dict[str, Any]] = {
    "vit": {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 64, "image_size": 64},
    "deit": {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
             "intermediate_size": 64, "image_size": 64},
    "dinov2": {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
               "image_size": 56},
    "beit": {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
             "intermediate_size": 64, "image_size": 64},
    "swin": {"embed_dim": 24, "depths": [1, 1], "num_heads": [2, 2], "image_size": 64,
             "window_size": 4},
    "resnet": {"depths": [1, 1, 1, 1], "hidden_sizes": [16, 32, 32, 64]},
    "convnext": {"depths": [1, 1, 1, 1], "hidden_sizes": [16, 32, 32, 64]},
    "mobilenet_v2": {},
    "segformer": {},
    "levit": {},
}  # fmt: skip


def saved(kind: str, folder: Path) -> Any:
    """A small model of this type, and the folder that the library writes of it."""
    library = transformers()
    labels = dict(enumerate(NAMES))
    config = library.AutoConfig.for_model(
        kind, num_labels=4, id2label=labels, label2id={n: i for i, n in labels.items()},
        **SMALL[kind],
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(library, CLASSES[kind])(config).eval()
    model.save_pretrained(folder)
    return model


def declared(size: int, **more: Any) -> DeclaredFile:
    return DeclaredFile(image_size=size, mean=(0.5,) * 3, std=(0.5,) * 3, class_names=NAMES, **more)


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vit")
    saved("vit", folder)
    return folder


def zipped(folder: Path, target: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            archive.write(path, inside + path.name)
    return target


@pytest.mark.parametrize("kind", SMALL)
def test_a_folder_of_transformers_computes_what_the_library_computes(
    kind: str, tmp_path: Path
) -> None:
    model = saved(kind, tmp_path)
    facts = inspect_checkpoint(tmp_path)
    assert facts["architecture"] == f"transformers/{kind}"
    assert facts["class_names"] == list(NAMES) and facts["told_by"] == "config.json"
    size = SMALL[kind].get("image_size", 224 if kind == "levit" else 64)
    teacher = read_checkpoint(tmp_path, declared(size))
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, expected = teacher.logits(images), model((images - 0.5) / 0.5).logits
    largest = expected.abs().max()
    torch.testing.assert_close(found / largest, expected / largest, rtol=0, atol=1e-4)


def test_our_own_file_of_such_a_model_is_read_without_the_folder(vit: Path, tmp_path: Path) -> None:
    teacher = read_checkpoint(vit, declared(64))
    write_checkpoint(teacher, tmp_path / "own.safetensors")
    again = read_checkpoint(
        tmp_path / "own.safetensors", declared(64, architecture="transformers/vit")
    )
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(again.logits(images), teacher.logits(images))


@pytest.mark.parametrize("inside", ["", "my model/"])
def test_a_zip_of_the_folder_is_read_like_the_folder(
    vit: Path, tmp_path: Path, inside: str
) -> None:
    facts = inspect_checkpoint(zipped(vit, tmp_path / "model.zip", inside))
    assert facts["architecture"] == "transformers/vit"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.zip"]


def test_a_folder_of_timm_says_name_size_normalisation_and_licence(tmp_path: Path) -> None:
    model = timm().create_model("convnext_atto", num_classes=4)
    safetensors.torch.save_model(model, str(tmp_path / "model.safetensors"))
    config = {
        "architecture": "convnext_atto",
        "num_classes": 4,
        "label_names": list(NAMES),
        "pretrained_cfg": {"input_size": [3, 96, 96], "mean": [0.4] * 3, "std": [0.2] * 3},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "README.md").write_text(
        "---\nlicense: apache-2.0\ntags:\n- x\n---\n# Birds\n\nOf Kew.\n"
    )
    facts = inspect_checkpoint(tmp_path)
    assert facts["architecture"] == "timm/convnext_atto" and not facts["guessed"]
    assert (facts["image_size"], facts["mean"], facts["std"]) == (96, [0.4] * 3, [0.2] * 3)
    assert (facts["licence"], facts["description"]) == ("apache-2.0", "Of Kew.")
    assert facts["class_names"] == list(NAMES)


def test_a_name_of_a_file_that_is_an_architectures_is_taken(tmp_path: Path) -> None:
    model = timm().create_model("resnet18", num_classes=4)
    torch.save(model.state_dict(), tmp_path / "resnet18-5c106cde.pth")
    facts = inspect_checkpoint(tmp_path / "resnet18-5c106cde.pth")
    assert facts["architecture"] in {"timm/resnet18", "torchvision/resnet18"}
    assert facts["told_by"] == "its file's name"


@pytest.mark.parametrize("name", ["resnet18_caffe.pth", "my_resnet18.pt", "resnet18-best.pt"])
def test_a_name_of_a_file_with_more_in_it_tells_nothing(tmp_path: Path, name: str) -> None:
    model = timm().create_model("resnet18", num_classes=4)
    torch.save(model.state_dict(), tmp_path / name)
    with pytest.raises(InvalidCheckpoint, match="compute different things"):
        inspect_checkpoint(tmp_path / name)


def test_a_choice_that_the_configuration_contradicts_is_refused(vit: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="is transformers/vit, not timm/resnet18"):
        inspect_checkpoint(vit, "timm/resnet18")


def changed(folder: Path, target: Path, **values: Any) -> Path:
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    config = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps({**config, **values}))
    return target


LIES: dict[str, tuple[dict[str, Any], str]] = {
    "more layers": ({"num_hidden_layers": 3}, "is missing"),
    "another width": ({"hidden_size": 64}, "instead of|of another size"),
    "an unknown type": ({"model_type": "gpt2"}, "not a supported image"),
    "immense numbers": ({"hidden_size": 10**9}, "no image classifier needs"),
    "a network too large": ({"hidden_size": 98_304, "intermediate_size": 98_304}, "more than"),
    "heads that do not divide": ({"num_attention_heads": 5}, "can be built|is missing|instead of"),
    "layers without end": ({"num_hidden_layers": 5_000}, "more than 200"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_configuration_that_is_not_true_is_refused(vit: Path, tmp_path: Path, lie: str) -> None:
    values, says = LIES[lie]
    with pytest.raises(InvalidCheckpoint, match=says):
        inspect_checkpoint(changed(vit, tmp_path / "lie", **values))


def test_names_that_do_not_fit_the_outputs_are_not_suggested(vit: Path, tmp_path: Path) -> None:
    labels = {str(index): f"class {index}" for index in range(9)}
    facts = inspect_checkpoint(changed(vit, tmp_path / "labels", id2label=labels))
    assert facts["n_classes"] == 4 and facts["class_names"] is None


def test_remote_code_is_neither_named_nor_run(vit: Path, tmp_path: Path) -> None:
    folder = changed(vit, tmp_path / "remote", auto_map={"AutoModel": "evil.Model"})
    (folder / "evil.py").write_text("raise SystemExit('it ran')")
    assert inspect_checkpoint(folder)["architecture"] == "transformers/vit"


def test_a_folder_without_weights_or_with_several_is_refused(vit: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidCheckpoint, match="no file of weights"):
        inspect_checkpoint(tmp_path / "empty")
    for name in ("a.pt", "b.pt"):
        (tmp_path / "empty" / name).write_bytes(b"")
    with pytest.raises(InvalidCheckpoint, match=r"several files of weights \(a.pt, b.pt\)"):
        inspect_checkpoint(tmp_path / "empty")


def test_a_zip_writes_nothing_outside_and_unpacks_within_bounds(
    vit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(vit, tmp_path / "model.zip")
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("../outside.json", "/tmp/outside.json", "a/../../outside.json"):
            archive.writestr(name, "{}")
    assert inspect_checkpoint(path)["architecture"] == "transformers/vit"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.zip"]
    monkeypatch.setattr("metalearn.checkpoint.folder._MAX_BYTES", 1000)
    with pytest.raises(InvalidCheckpoint, match="unpacks to more than"):
        inspect_checkpoint(path)


def test_a_zip_with_ten_thousand_and_one_files_is_refused(vit: Path, tmp_path: Path) -> None:
    path = zipped(vit, tmp_path / "model.zip")
    with zipfile.ZipFile(path, "a") as archive:
        for index in range(MAX_ZIP_ENTRIES):
            archive.writestr(f"{index}.txt", "")
    with pytest.raises(InvalidCheckpoint, match="more than 10,000"):
        inspect_checkpoint(path)
