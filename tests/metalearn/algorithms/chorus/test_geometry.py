from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.algorithms.chorus import geometry
from metalearn.algorithms.chorus.geometry import (
    PoolGeometry,
    effective_rank,
    similarity_loss,
    teacher_weights,
)
from metalearn.networks import NetworkSpec, build_network
from metalearn.pool import Pool, Teacher


def teacher(architecture: str = "conv4", width: int = 4, size: int = 16, seed: int = 0) -> Teacher:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_network(NetworkSpec(architecture, width, 3, size, 5))
    names = tuple(f"class {index}" for index in range(5))
    return Teacher(f"{architecture} {seed}", network, (0.5,) * 3, (0.25,) * 3, names)


@pytest.fixture
def pool() -> Pool:
    return Pool((teacher(seed=0), teacher(width=8, seed=1), teacher("resnet10", 4, 24, seed=2)))


@pytest.fixture
def images() -> Tensor:
    return torch.rand(40, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def fitted(pool: Pool, images: Tensor, **settings: Any) -> PoolGeometry:
    chosen = {
        "components": 512,
        "whitening": 0.0,
        "weighting": 0.0,
        "mirror": False,
        "precision": "fp32",
        **settings,
    }
    space = PoolGeometry(pool, **chosen)
    space.fit(images, torch.Generator().manual_seed(0))
    return space


def cosines(points: Tensor) -> Tensor:
    unit = F.normalize(points, dim=1)
    return unit @ unit.T


def test_all_components_without_whitening_keep_the_ensembles_similarities(
    pool: Pool, images: Tensor
) -> None:
    features = [each.network.embed(each.prepare(images)) for each in pool.teachers]
    mean_cosine = torch.stack([cosines(each - each.mean(0)) for each in features]).mean(0)
    found = cosines(fitted(pool, images).coordinates(images))
    assert torch.allclose(found, mean_cosine, atol=1e-3)


def test_a_picture_and_its_mirror_image_have_one_place(pool: Pool, images: Tensor) -> None:
    space = fitted(pool, images, mirror=True)
    assert torch.allclose(space.coordinates(images), space.coordinates(images.flip(-1)), atol=1e-5)
    plain = fitted(pool, images)
    apart = plain.coordinates(images) - plain.coordinates(images.flip(-1))
    assert apart.abs().max() > 0.01


def test_with_mirror_images_a_place_is_the_mean_of_both_views(pool: Pool, images: Tensor) -> None:
    features = [
        [each.network.embed(each.prepare(view)) for view in (images, images.flip(-1))]
        for each in pool.teachers
    ]
    similarity = torch.zeros(40, 40)
    for views in features:
        centre = torch.cat(views).mean(0)
        mean = sum(F.normalize(view - centre, dim=1) for view in views) / 2
        similarity += mean @ mean.T / len(features)
    found = fitted(pool, images, mirror=True).coordinates(images)
    assert torch.allclose(found @ found.T, similarity, atol=1e-3)


def test_fit_returns_the_coordinates_of_its_own_pictures(pool: Pool, images: Tensor) -> None:
    space = PoolGeometry(
        pool, components=8, whitening=0.5, weighting=0.0, mirror=True, precision="fp32"
    )
    first = space.fit(images, torch.Generator().manual_seed(0))
    assert first.shape == (40, 8)
    assert torch.allclose(first, space.coordinates(images), atol=1e-4)


def test_whole_whitening_gives_every_component_the_same_deviation(
    pool: Pool, images: Tensor
) -> None:
    coordinates = fitted(pool, images, components=4, whitening=1.0).coordinates(images)
    assert torch.allclose(coordinates.square().mean(0), torch.ones(4), atol=0.02)


@pytest.mark.parametrize("whitening", [0.25, 0.5])
def test_partial_whitening_divides_by_that_power_of_the_deviation(
    pool: Pool, images: Tensor, whitening: float
) -> None:
    # Against numpy's singular value decomposition, also for pictures that it has not seen.
    unseen = torch.rand(9, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    parts, others = [], []
    for each in pool.teachers:
        features, asked = (
            each.network.embed(each.prepare(x)).double().numpy() for x in (images, unseen)
        )
        centre = features.mean(0)
        parts.append((features - centre) / np.linalg.norm(features - centre, axis=1)[:, None])
        others.append((asked - centre) / np.linalg.norm(asked - centre, axis=1)[:, None])
    # Three teachers count alike, so that each one's similarities count a third.
    joint, asked = (np.concatenate(x, axis=1) / 3**0.5 for x in (parts, others))
    _, scale, basis = np.linalg.svd(joint, full_matrices=False)
    deviation = scale[:6] / 40**0.5
    # All components, of which the leading ones are compared: fewer are found at random, roughly.
    space = fitted(pool, images, whitening=whitening)
    for pictures, features in ((images, joint), (unseen, asked)):
        expected = features @ basis[:6].T / deviation**whitening
        found = space.coordinates(pictures)[:, :6].double().numpy()
        # A component may point either way.
        signs = np.sign((found * expected).sum(0))
        assert np.allclose(found * signs, expected, atol=2e-3)
    assert deviation[0] > 1.5 * deviation[-1]


def test_teachers_have_the_same_say_whatever_their_scale(pool: Pool, images: Tensor) -> None:
    before = fitted(pool, images).coordinates(images)
    with torch.no_grad():
        last = pool.teachers[0].network.blocks[-1].norm
        last.weight *= 100
        last.bias *= 100
    after = fitted(pool, images).coordinates(images)
    assert torch.allclose(cosines(before), cosines(after), atol=1e-3)


def test_the_components_do_not_follow_the_global_generator(pool: Pool, images: Tensor) -> None:
    torch.manual_seed(1)
    first = fitted(pool, images, components=4).coordinates(images)
    torch.manual_seed(2)
    assert torch.equal(first, fitted(pool, images, components=4).coordinates(images))


def test_features_too_many_to_hold_are_projected_and_keep_similarities_on_the_whole(
    pool: Pool, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cosines(fitted(pool, images).coordinates(images))
    monkeypatch.setattr(geometry, "MOST_FEATURES", 3 * 24)
    fewer = cosines(fitted(pool, images).coordinates(images))
    apart = ~torch.eye(40, dtype=torch.bool)
    both = torch.stack([whole[apart], fewer[apart]])
    assert torch.corrcoef(both)[0, 1] > 0.8


def test_a_geometry_taken_back_gives_the_same_coordinates(pool: Pool, images: Tensor) -> None:
    space = fitted(pool, images, components=6, whitening=0.5)
    other = PoolGeometry(
        pool, components=6, whitening=0.5, weighting=0.0, mirror=False, precision="fp32"
    )
    assert not other.fitted
    other.load_state_dict(space.state_dict())
    assert torch.equal(space.coordinates(images), other.coordinates(images))


def test_the_loss_is_one_minus_the_mean_correlation_of_each_pictures_similarities() -> None:
    rng = torch.Generator().manual_seed(0)
    own, wanted = torch.rand(6, 3, generator=rng), torch.randn(6, 5, generator=rng)
    correlations = []
    for index in range(6):
        others = [other for other in range(6) if other != index]
        both = torch.stack([cosines(own)[index, others], cosines(wanted)[index, others]])
        correlations.append(torch.corrcoef(both)[0, 1])
    expected = 1 - torch.stack(correlations).mean()
    assert torch.allclose(similarity_loss(own, wanted), expected, atol=1e-5)


def test_the_loss_is_zero_for_turned_and_scaled_points_and_grows_with_noise() -> None:
    rng = torch.Generator().manual_seed(0)
    points = torch.randn(20, 6, generator=rng)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=rng)).Q
    assert similarity_loss(3 * points @ turn, points) < 1e-5
    noise = torch.randn(20, 6, generator=rng)
    losses = [similarity_loss(points + scale * noise, points) for scale in (0.1, 0.5, 2.0)]
    assert losses == sorted(losses) and losses[0] > 1e-4


def test_effective_rank_counts_dimensions_of_equal_variance() -> None:
    rng = torch.Generator().manual_seed(0)
    for dimensions in (1, 3, 8):
        axes = torch.eye(16)[torch.randint(dimensions, (4000,), generator=rng)]
        signs = torch.randint(2, (4000, 1), generator=rng) * 2 - 1
        assert effective_rank(axes * signs) == pytest.approx(dimensions, rel=0.02)


def along_axes(*pairs: int) -> torch.Tensor:
    """So many times plus and minus one along each of these axes, out of ten."""
    rows = torch.eye(10)[[axis for axis, n in enumerate(pairs) for _ in range(n)]]
    return torch.cat([rows, -rows])


def test_effective_rank_of_unequal_variances_is_the_exponential_of_their_entropy() -> None:
    # Shares 1/2, 1/4, 1/4 have an entropy of 1.5 bits.
    assert effective_rank(along_axes(2, 1, 1)) == pytest.approx(2**1.5, rel=1e-4)
    assert effective_rank(along_axes(1, 1, 1, 1, 1)) == pytest.approx(5, rel=1e-4)


def test_features_that_are_all_the_same_have_rank_one() -> None:
    assert effective_rank(torch.ones(10, 4)) == pytest.approx(1)


def test_a_teacher_whose_features_fill_few_dimensions_has_little_say_and_the_best_count_alike() -> (
    None
):
    pool = Pool(tuple(teacher(seed=seed) for seed in range(8)))
    rng = torch.Generator().manual_seed(0)
    features = [torch.randn(500, 16, generator=rng) for _ in range(8)]
    features[3] = features[3] * (torch.arange(16) < 4)
    say = teacher_weights(pool, features, 3.0)
    assert say.sum() == pytest.approx(1)
    others = say[torch.arange(8) != 3]
    assert say[3] < 0.05 * others.min()
    assert others.max() < 1.1 * others.min()
    assert torch.allclose(teacher_weights(pool, features, 0.0), torch.full((8,), 1 / 8))


def test_teachers_are_compared_with_their_own_kind_only(pool: Pool) -> None:
    rng = torch.Generator().manual_seed(0)
    narrow = torch.randn(500, 4, generator=rng)
    wide = torch.randn(500, 64, generator=rng)
    say = teacher_weights(pool, [narrow, wide, wide], 3.0)
    assert torch.allclose(say, torch.full((3,), 1 / 3))


@pytest.mark.parametrize("power", [1.0, 3.0])
@pytest.mark.parametrize("other_kind", [("conv4", 8, 16), ("conv4", 4, 24), ("resnet10", 4, 16)])
def test_a_teachers_say_is_its_rank_over_its_kinds_upper_quartile_to_a_power(
    power: float, other_kind: tuple[str, int, int]
) -> None:
    kinds = [("conv4", 4, 16), other_kind]
    of_kind, ranks = [0, 1, 0, 0, 1, 0], [8, 3, 1, 4, 6, 2]
    pool = Pool(tuple(teacher(*kinds[kind], seed=seed) for seed, kind in enumerate(of_kind)))
    features = [along_axes(*[1] * rank) for rank in ranks]
    # Quartiles of 1, 2, 4, 8 and of 3, 6: a quarter of the way from 4 to 8, three of 3 to 6.
    shares = [1.0, 3 / 5.25, 1 / 5, 4 / 5, 1.0, 2 / 5]
    expected = torch.tensor([share**power for share in shares])
    found = teacher_weights(pool, features, power)
    assert torch.allclose(found, expected / expected.sum(), rtol=1e-3)


def test_a_geometry_that_weighs_its_teachers_is_the_same_after_a_snapshot(
    pool: Pool, images: Tensor
) -> None:
    space = fitted(pool, images, weighting=3.0)
    other = PoolGeometry(
        pool, components=512, whitening=0.0, weighting=3.0, mirror=False, precision="fp32"
    )
    other.load_state_dict(space.state_dict())
    assert torch.equal(other.coordinates(images), space.coordinates(images))
