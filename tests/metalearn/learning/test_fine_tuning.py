"""A checkpoint becomes a classifier of a few classes of one's own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from metalearn.checkpoint import write_checkpoint
from metalearn.datasets import ImageSet
from metalearn.errors import InvalidCheckpoint, InvalidData, InvalidSetting
from metalearn.learning.fine_tuning import FineTuningPlan, Start, fine_tune, new_start, read_start
from metalearn.learning.pretraining import accuracy_of
from metalearn.networks import get_architecture
from metalearn.pool.pool import Teacher

CPU = torch.device("cpu")
PLAN = FineTuningPlan(epochs=4, batch_size=16, lr=1e-2, keeps_statistics=False, precision="fp32")


@pytest.fixture
def data(four_colours: ImageSet) -> ImageSet:
    """The four colours on five caches each."""
    return replace(four_colours, tracks=torch.arange(5).repeat_interleave(4).repeat(4))


def started(data: ImageSet, n_classes: int = 2) -> Start:
    return new_start("conv4", data, n_classes=n_classes, width=4, seed=0)


def test_the_classes_are_learned_and_the_network_is_frozen_again(data: ImageSet) -> None:
    plan = replace(PLAN, epochs=12, patience=12)
    done = fine_tune(data, ["blue", "red"], started(data), plan, device=CPU, name="mine")
    assert done.held_out_accuracy > 0.9
    assert done.teacher.class_names == ("blue", "red") and done.teacher.name == "mine"
    assert not done.teacher.network.training
    assert not any(p.requires_grad for p in done.teacher.network.parameters())
    blue = data.images[data.labels == 3]
    assert accuracy_of(done.teacher, (blue, torch.zeros(20, dtype=torch.int64))) > 0.9


def test_it_ends_when_patience_does_and_gives_the_best_epoch(
    data: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = iter([0.4, 0.8, 0.5, 0.6, 0.9])
    states = []

    def told(teacher: Teacher, held_out: tuple[Tensor, Tensor]) -> float:
        states.append(teacher.network.output_layer.weight.clone())
        return next(shown)

    monkeypatch.setattr("metalearn.learning.fine_tuning.accuracy_of", told)
    plan = replace(PLAN, epochs=5, patience=2)
    done = fine_tune(data, ["blue", "red"], started(data), plan, device=CPU, name="mine")
    assert (done.epochs, done.held_out_accuracy) == (4, 0.8)
    assert torch.equal(done.teacher.network.output_layer.weight, states[1])


def test_the_same_plan_makes_the_same_model_and_leaves_the_global_generator_alone(
    data: ImageSet,
) -> None:
    before = torch.get_rng_state()
    one, two, other = (
        fine_tune(
            data, ["red", "green"], started(data), replace(PLAN, seed=seed), device=CPU, name="m"
        ).teacher.network.output_layer.weight
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_held_out_pictures_stand_on_shelves_that_are_not_trained_on(
    data: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}

    def keep(teacher: Teacher, train: tuple[Tensor, Tensor], *_: Any, **__: Any) -> None:
        seen["train"] = train[0]

    def held(teacher: Teacher, held_out: tuple[Tensor, Tensor]) -> float:
        seen["held_out"] = held_out[0]
        return 1.0

    monkeypatch.setattr("metalearn.learning.fine_tuning._train_epoch", keep)
    monkeypatch.setattr("metalearn.learning.fine_tuning.accuracy_of", held)
    fine_tune(data, ["red", "green"], started(data), PLAN, device=CPU, name="m")
    assert (len(seen["train"]), len(seen["held_out"])) == (32, 8)
    assert data.tracks is not None
    shelf_of = {
        image.numpy().tobytes(): (int(label), int(cache))
        for image, label, cache in zip(data.images, data.labels, data.tracks, strict=True)
    }
    train, held_out = (
        {shelf_of[image.numpy().tobytes()] for image in seen[part]}
        for part in ("train", "held_out")
    )
    assert len(train) == 8 and len(held_out) == 2 and not train & held_out


def test_a_class_that_the_data_lacks_is_named(data: ImageSet) -> None:
    with pytest.raises(InvalidData, match="no class “mauve”"):
        fine_tune(data, ["red", "mauve"], started(data), PLAN, device=CPU, name="m")


def test_a_class_of_one_picture_is_refused(data: ImageSet) -> None:
    keep = (data.labels != 1) | (torch.arange(80) == 20)
    few = ImageSet(data.images[keep], data.labels[keep], data.class_names)
    with pytest.raises(InvalidData, match="“red” has fewer than two images"):
        fine_tune(few, ["red", "blue"], started(data), PLAN, device=CPU, name="m")


def test_a_plan_that_trains_nothing_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="at least one epoch"):
        FineTuningPlan(epochs=0)


def test_a_checkpoint_keeps_all_but_its_head(
    data: ImageSet, tmp_path: Path, make_teacher: Callable[..., Any]
) -> None:
    write_checkpoint(make_teacher("old", class_names=("x", "y", "z")), tmp_path / "old.safetensors")
    start = read_start(tmp_path / "old.safetensors", n_classes=2, image_size=16, seed=0)
    old = make_teacher("old", class_names=("x", "y", "z")).network.state_dict()
    new = start.network.state_dict()
    assert new["head.weight"].shape[0] == 2
    same = [name for name in old if not name.startswith("head.")]
    assert same and all(torch.equal(old[name], new[name]) for name in same)
    assert len(start.mean) == len(start.std) == 3


@pytest.mark.long
def test_a_network_whose_weights_depend_on_the_size_is_not_read_at_another(tmp_path: Path) -> None:
    kind = get_architecture("timm/vit_tiny_patch16_224")
    spec = replace(kind.usual_spec(64), n_classes=2)
    save_file(kind.build(spec).state_dict(), tmp_path / "vit.safetensors")
    with pytest.raises(InvalidCheckpoint, match="different weights for images of 96"):
        read_start(tmp_path / "vit.safetensors", n_classes=2, image_size=96, seed=0)
