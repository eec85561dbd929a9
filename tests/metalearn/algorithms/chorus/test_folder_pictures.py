"""Chorus learns from pictures of one's own and keeps none of them."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from metalearn.algorithm import train
from metalearn.algorithms.chorus.algorithm import Chorus
from metalearn.errors import InvalidSetting
from metalearn.meta_learner import MetaLearner
from metalearn.pool import Pool
from metalearn.registry import make_algorithm
from tests.contracts.test_every_algorithm import round_trip, same

SETTINGS = {
    "own_pictures": True,
    "outer_steps": 3,
    "pictures_per_step": 32,
    "memory": 64,
    "updates_per_step": 2,
    "batch_size": 16,
    "components": 8,
    "learner_width": 4,
    "precision": "fp32",
}


@pytest.fixture
def pool(make_teacher: Callable[..., Any]) -> Pool:
    return Pool((make_teacher("a"), make_teacher("b", image_size=24)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures of one colour each, which no drawn picture has."""
    path = tmp_path / "own"
    path.mkdir()
    for index in range(10):
        Image.new("RGB", (30, 30), (200 + index, 10 * index, 7)).save(path / f"{index}.png")
    return path


def made(pool: Pool, folder: Path | None = None, **settings: Any) -> Chorus:
    run = make_algorithm("chorus", pool, SETTINGS | settings, device=torch.device("cpu"), seed=0)
    if folder is not None:
        run.take_pictures(folder)
    assert isinstance(run, Chorus)
    return run


def plain(pixels: Tensor) -> torch.Tensor:
    """Which pictures have one colour."""
    flat = pixels.flatten(2).float()
    return torch.eq(flat.amax(2), flat.amin(2)).all(1)


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_as_large_a_share_as_was_set_is_ones_own(pool: Pool, folder: Path, share: float) -> None:
    images, numbers = made(pool, folder, own_share=share)._new_pictures(32)
    assert numbers is not None
    assert (numbers >= 0).sum() == 32 * share
    assert torch.equal(plain(images), numbers >= 0)
    assert made(pool, own_pictures=False)._new_pictures(32)[1] is None


def test_the_learner_and_its_card_say_how_many_and_no_name(
    pool: Pool, folder: Path, tmp_path: Path
) -> None:
    run = made(pool, folder)
    for _ in train(run):
        pass
    run.meta_learner().save(tmp_path / "learner")
    assert MetaLearner.load(tmp_path / "learner").made_by["operator_pictures"] == 10
    card = (tmp_path / "learner" / "README.md").read_text()
    assert "and 10\nunlabelled pictures of its operator's own" in card
    assert "alone, without their data" not in card
    text = "".join(path.read_text() for path in (tmp_path / "learner").glob("*.[jm][sd]*"))
    assert "9.png" not in text and str(folder) not in text


def test_without_such_pictures_nothing_is_said_of_them(pool: Pool) -> None:
    run = made(pool, own_pictures=False)
    for _ in train(run):
        pass
    assert "operator_pictures" not in run.meta_learner().made_by


def test_a_snapshot_holds_none_of_them_and_a_resumed_run_ends_the_same(
    pool: Pool, folder: Path
) -> None:
    whole = made(pool, folder)
    for _ in train(whole):
        pass
    first = made(pool, folder)
    for _ in itertools.islice(train(first), 2):
        pass
    state = round_trip(first.state_dict())
    memory = state["parts"]["memory"]
    own = memory["own"] >= 0
    assert own.any() and not memory["pixels"][own].any()
    assert plain(first.memory._pixels[: first.memory.n_images])[own].all()
    second = made(pool, folder)
    assert second.fits(state)
    second.load_state_dict(state)
    ours, theirs = second.memory._pixels, first.memory._pixels
    assert ours is not None and theirs is not None and torch.equal(ours, theirs)
    for _ in train(second):
        pass
    same(whole, second)


def test_a_folder_that_has_changed_ends_the_run_with_one_sentence(pool: Pool, folder: Path) -> None:
    first = made(pool, folder)
    next(train(first))
    state = round_trip(first.state_dict())
    (folder / "0.png").unlink()
    second = made(pool, folder)
    with pytest.raises(InvalidSetting, match="have changed since this run began; restore"):
        second.load_state_dict(state)


def test_files_that_cannot_be_read_are_told(pool: Pool, folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"no picture")
    told = made(pool).take_pictures(folder)
    assert "learns from 10 pictures" in told[0] and told[1].startswith("1 files")


def test_a_folder_and_the_setting_belong_together(pool: Pool, folder: Path) -> None:
    with pytest.raises(InvalidSetting, match="Set own_pictures to true"):
        made(pool, own_pictures=False).take_pictures(folder)
    with pytest.raises(InvalidSetting, match="no folder was given; give one"):
        made(pool).step()
    other = make_algorithm("average", Pool(pool.teachers), {}, device=torch.device("cpu"), seed=0)
    with pytest.raises(InvalidSetting, match="does not learn from your own pictures"):
        other.take_pictures(folder)
