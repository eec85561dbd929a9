"""What a learner begins with when it is not drawn at random."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from metalearn.errors import InvalidPool, InvalidSetting
from metalearn.merging.learner_start import largest_family, start_of_pool
from metalearn.pool import Pool, Teacher


def tuned(
    make_teacher: Callable[..., Any], name: str, seed: int, *, of: Teacher, **options: Any
) -> Teacher:
    """A relative: another's weights, moved a little, under a head of its own."""
    made = make_teacher(name, **options)
    state, rng = made.network.state_dict(), torch.Generator().manual_seed(seed)
    for key, value in of.network.state_dict().items():
        if not key.startswith("head.") and value.is_floating_point():
            state[key] = value + 0.01 * torch.randn(value.shape, generator=rng)
    made.network.load_state_dict(state)
    return made


@pytest.fixture
def pool(make_teacher: Callable[..., Any]) -> Pool:
    """Two strangers and two relatives of the second, which take images of another size."""
    first, second = make_teacher("a"), make_teacher("b")
    return Pool(
        (
            first,
            second,
            tuned(make_teacher, "c", 3, of=second, image_size=24, class_names=tuple("xyzuv")),
            make_teacher("w", width=5),
            tuned(make_teacher, "d", 4, of=second),
        )
    )


def test_relatives_are_found_by_their_weights_whatever_their_sizes_and_classes(pool: Pool) -> None:
    assert largest_family(pool) == (1, 2, 4)


def test_the_mean_of_relatives_lies_between_them(pool: Pool) -> None:
    start = start_of_pool(
        pool, "relatives", n_classes=3, image_size=0, rng=torch.Generator().manual_seed(0)
    )
    kernels = [pool.teachers[i].network.state_dict()["blocks.0.conv.weight"] for i in (1, 2, 4)]
    mean = torch.stack(kernels).mean(0)
    assert torch.allclose(start.network.state_dict()["blocks.0.conv.weight"], mean)
    assert start.copied == (1, 2, 4)
    assert start.network.spec.image_size == 24 and start.network.spec.n_classes == 3


def test_a_named_model_is_copied_and_the_copy_is_its_own(pool: Pool) -> None:
    start = start_of_pool(
        pool, "a", n_classes=5, image_size=32, rng=torch.Generator().manual_seed(0)
    )
    own = pool.teachers[0].network
    assert start.copied == (0,) and start.network.spec.image_size == 32
    before = own.state_dict()["blocks.0.conv.weight"].clone()
    with torch.no_grad():
        for parameter in start.network.parameters():
            parameter.zero_()
    assert torch.equal(own.state_dict()["blocks.0.conv.weight"], before)


@pytest.mark.long
def test_the_best_teacher_is_one_of_the_pool_and_the_same_each_time(pool: Pool) -> None:
    one, two = (
        start_of_pool(
            pool, "best_teacher", n_classes=2, image_size=0, rng=torch.Generator().manual_seed(0)
        )
        for _ in range(2)
    )
    assert one.copied == two.copied and len(one.copied) == 1
    assert one.mean == pool.teachers[one.copied[0]].mean


def test_a_pool_of_strangers_has_no_relatives(make_teacher: Callable[..., Any]) -> None:
    strangers = Pool(tuple(make_teacher(name) for name in "abc"))
    with pytest.raises(InvalidPool, match="add a relative of one of them"):
        largest_family(strangers)


def test_a_name_that_no_model_has_is_told_with_what_to_give(pool: Pool) -> None:
    with pytest.raises(InvalidSetting, match="no model “elsewhere”.*best_teacher or relatives"):
        start_of_pool(pool, "elsewhere", n_classes=2, image_size=0, rng=torch.Generator())


def test_weights_that_hang_on_the_size_of_images_are_not_copied_to_another(
    make_teacher: Callable[..., Any],
) -> None:
    one = make_teacher("v", architecture="timm/vit_tiny_patch16_224", width=192, image_size=32)
    other = replace(one, name="other")
    with pytest.raises(InvalidSetting, match="set learner_image_size to 32"):
        start_of_pool(Pool((one, other)), "v", n_classes=2, image_size=64, rng=torch.Generator())
