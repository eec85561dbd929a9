import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from metalearn.checkpoint import read_pool, write_pool_entry
from metalearn.errors import InvalidPool
from metalearn.pool import Teacher


@pytest.fixture
def folder(teacher: Teacher, tmp_path: Path) -> Path:
    for name in ("one", "two"):
        write_pool_entry(
            tmp_path / "pool", replace(teacher, name=name, licence="MIT"), {"epochs": 3}
        )
    return tmp_path / "pool"


def change(folder: Path, **changes: Any) -> None:
    """Change fields of the second line; None takes one away."""
    first, second = (folder / "manifest.jsonl").read_text().splitlines()
    entry = {k: v for k, v in (json.loads(second) | changes).items() if v is not None}
    (folder / "manifest.jsonl").write_text(first + "\n" + json.dumps(entry) + "\n")


def test_a_pool_comes_back_as_it_was_written(folder: Path, teacher: Teacher) -> None:
    pool = read_pool(folder)
    assert [t.name for t in pool.teachers] == ["one", "two"]
    again = pool.teachers[1]
    assert (again.mean, again.std, again.class_names) == (
        teacher.mean,
        teacher.std,
        teacher.class_names,
    )
    assert again.sha256 == teacher.sha256 and again.licence == "MIT"
    assert again.extra == {"epochs": 3} and again.consent_recovery
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(again.logits(images), teacher.logits(images))


def test_a_manifest_made_elsewhere_needs_only_the_contracts_fields(folder: Path) -> None:
    change(folder, name=None, licence=None, consent_recovery=None, width=None, n_classes=None)
    assert read_pool(folder).teachers[1].name == "two"


def test_only_the_first_models_are_read_on_request(folder: Path) -> None:
    change(folder, file="missing.safetensors")
    with pytest.raises(InvalidPool, match="at least two"):
        read_pool(folder, limit=1)


def test_consent_is_kept(folder: Path) -> None:
    change(folder, consent_recovery=False)
    assert not read_pool(folder).teachers[1].consent_recovery


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"file": "../one.safetensors"}, "Line 2"),
        ({"file": "/etc/passwd"}, "Line 2"),
        ({"file": ".."}, "Line 2"),
        ({"file": "missing.safetensors"}, "missing.safetensors” cannot be read"),
        ({"class_names": ["a"]}, "Line 2.*class names"),
        ({"mean": None}, "mean is missing"),
        ({"image_size": "large"}, "Line 2"),
        ({"mean": 5}, "Line 2"),
    ],
)
def test_a_bad_line_is_named(folder: Path, changes: dict[str, Any], says: str) -> None:
    change(folder, **changes)
    with pytest.raises(InvalidPool, match=says):
        read_pool(folder)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPool, match="manifest"):
        read_pool(tmp_path)


def test_a_line_that_is_no_json_is_refused(folder: Path) -> None:
    (folder / "manifest.jsonl").write_text("{not json\n")
    with pytest.raises(InvalidPool, match="Line 1"):
        read_pool(folder)


def test_a_model_is_never_overwritten(folder: Path, teacher: Teacher) -> None:
    with pytest.raises(InvalidPool, match="exists"):
        write_pool_entry(folder, replace(teacher, name="one"))
