from dataclasses import replace

import pytest
import torch

from metalearn.datasets import ImageSet
from metalearn.errors import InvalidData, InvalidSetting
from metalearn.learning import pretraining
from metalearn.learning.pretraining import PretrainingPlan, pretrain

CPU = torch.device("cpu")
PLAN = PretrainingPlan(n_models=2, n_way=2, width=4, epochs=3, precision="fp32")


@pytest.fixture
def data(four_colours: ImageSet) -> ImageSet:
    return four_colours


def test_teachers_learn_their_classes(data: ImageSet) -> None:
    made = list(pretrain(data, replace(PLAN, epochs=10), CPU))
    assert [one.teacher.name for one in made] == ["model_000", "model_001"]
    for one in made:
        assert one.held_out_accuracy > 0.9 and one.seconds > 0
        assert list(one.teacher.class_names) == sorted(one.teacher.class_names)
        assert not any(p.requires_grad for p in one.teacher.network.parameters())
        assert not one.teacher.network.training


def test_the_same_plan_makes_the_same_teachers(data: ImageSet) -> None:
    before = torch.get_rng_state()
    first, second = (
        [one.teacher for one in pretrain(data, plan, CPU)]
        for plan in (PLAN, replace(PLAN, n_models=1))
    )
    assert torch.equal(torch.get_rng_state(), before)
    ours, theirs = first[0].network.state_dict(), second[0].network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    other = next(iter(pretrain(data, replace(PLAN, seed=1), CPU))).teacher
    assert not torch.equal(other.network.output_layer.weight, first[0].network.output_layer.weight)


def test_the_normalisation_is_that_of_the_data(data: ImageSet) -> None:
    teacher = next(iter(pretrain(data, PLAN, CPU))).teacher
    values = data.images.float() / 255
    for index in range(3):
        assert teacher.mean[index] == pytest.approx(values[:, index].mean().item(), abs=1e-3)
        assert teacher.std[index] == pytest.approx(values[:, index].std().item(), abs=1e-3)


def test_residual_networks_use_their_own_recipe(data: ImageSet) -> None:
    plan = replace(PLAN, architecture="resnet10", n_models=1, epochs=2)
    (one,) = pretrain(data, plan, CPU)
    assert one.teacher.network.spec.architecture == "resnet10"
    assert 0 <= one.held_out_accuracy <= 1


def test_too_few_classes_or_pictures_are_refused(data: ImageSet) -> None:
    with pytest.raises(InvalidData, match="4 classes, fewer than the 5"):
        next(pretrain(data, replace(PLAN, n_way=5), CPU))
    poor = ImageSet(data.images[::20], torch.arange(4), data.class_names)
    with pytest.raises(InvalidData, match="at least two"):
        next(pretrain(poor, PLAN, CPU))
    with pytest.raises(InvalidSetting):
        replace(PLAN, epochs=0)


def test_a_track_is_on_one_side_of_the_hold_out(data: ImageSet) -> None:
    tracks = torch.arange(80) % 20 // 3  # seven tracks a class, of three pictures but the last
    split = pretraining._split(replace(data, tracks=tracks), [2, 0])
    whole = data.images.flatten(1).tolist()
    for images, labels, numbers in zip(
        (split[0][0], split[1][0]), (split[0][1], split[1][1]), ({0, 1, 2, 3, 4}, {5, 6}),
        strict=True,
    ):  # fmt: skip
        places = [whole.index(row) for row in images.flatten(1).tolist()]
        assert {int(tracks[place]) for place in places} == numbers
        assert labels.tolist() == sorted(labels.tolist())
    single = replace(data, tracks=torch.zeros(80, dtype=torch.long))
    with pytest.raises(InvalidData, match="has 1 tracks; at least two"):
        next(pretrain(single, PLAN, CPU))


def test_a_last_batch_of_one_picture_is_left_out(
    data: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretraining, "_BATCH", 31)  # of 32 training pictures
    assert next(pretrain(data, replace(PLAN, architecture="resnet10"), CPU)).seconds > 0


def test_dropout_follows_the_seed_and_small_pictures_are_enlarged(data: ImageSet) -> None:
    plan = replace(PLAN, architecture="tv_mobilenet_v3_small", width=0, n_models=1, epochs=1)
    before = torch.get_rng_state()
    first, second = (next(pretrain(data, plan, CPU)).teacher.network for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert first.spec.image_size == 32 > data.image_size
    ours, theirs = first.state_dict(), second.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
