from typing import Any

import pytest
import torch

from metalearn.algorithms.chorus import Chorus, ChorusConfig
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec, build_network
from metalearn.pool import Pool, Teacher
from metalearn.registry import make_algorithm

SETTINGS = {
    "outer_steps": 12,
    "pictures_per_step": 32,
    "memory": 128,
    "updates_per_step": 4,
    "batch_size": 32,
    "components": 16,
    "learner_width": 8,
    "precision": "fp32",
}


def pool(
    *,
    consent: bool = True,
    architectures: tuple[tuple[str, int, int], tuple[str, int, int]] = (
        ("conv4", 8, 16),
        ("resnet10", 4, 24),
    ),
) -> Pool:
    teachers = []
    for index, (architecture, width, size) in enumerate(architectures):
        with torch.random.fork_rng():
            torch.manual_seed(index)
            network = build_network(NetworkSpec(architecture, width, 3, size, 3 + index))
        names = tuple(f"class {number}" for number in range(3 + index))
        teachers.append(
            Teacher(
                f"teacher {index}",
                network,
                (0.5,) * 3,
                (0.25,) * 3,
                names,
                consent_recovery=consent,
            )
        )
    return Pool(tuple(teachers))


def run_of(chosen_pool: Pool, **settings: Any) -> Chorus:
    chosen = {**SETTINGS, **settings}
    run = make_algorithm("chorus", chosen_pool, chosen, device=torch.device("cpu"), seed=0)
    assert isinstance(run, Chorus)
    return run


def test_the_learner_comes_to_see_new_pictures_as_the_pool_does() -> None:
    run = run_of(pool())
    reports = []
    while run.steps_done < run.total_steps:
        reports.append(run.step())
        run.steps_done += 1
    learned = [report.metrics["similarity_on_new_pictures"] for report in reports[1:]]
    assert learned[-1] > learned[0] + 0.1
    assert reports[-1].metrics["loss"] < reports[1].metrics["loss"]


def test_no_owners_consent_to_recovery_is_needed_because_nothing_is_recovered() -> None:
    report = run_of(pool(consent=False)).step()
    assert report.stage == "listening"
    assert report.recovered is None


def test_the_first_step_fills_the_memory_and_each_later_one_adds_its_pictures() -> None:
    run = run_of(pool())
    run.step()
    assert run.memory.n_seen == 128
    run.steps_done = 1
    run.step()
    assert run.memory.n_seen == 128 + 32


@pytest.mark.parametrize(
    ("optimiser", "highest"), [("kernel_optimiser", "outer_lr"), ("vector_optimiser", "vector_lr")]
)
def test_the_rate_rises_to_its_height_and_ends_at_zero(optimiser: str, highest: str) -> None:
    run = run_of(pool(), outer_steps=10, updates_per_step=10)
    rates = []
    for step in range(1, 11):
        run.steps_done = step
        for update in range(10):
            run._set_rate(update)
            rates.append(run.optimisers.by_name[optimiser].param_groups[0]["lr"])
    assert rates[0] < rates[2] < rates[4] == pytest.approx(getattr(ChorusConfig(), highest))
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_every_weight_but_the_heads_is_learned() -> None:
    run = run_of(pool())
    before = {name: value.clone() for name, value in run.learner.state_dict().items()}
    for _ in range(3):
        run.step()
        run.steps_done += 1
    moved = {
        name: (weight - before[name]).abs().max()
        for name, weight in run.learner.named_parameters()
        # Batch-norm takes a convolution's bias away again: nothing but rounding moves it.
        if not name.endswith("conv.bias")
    }
    assert {name for name, way in moved.items() if way < 1e-3} == {"head.weight", "head.bias"}
    assert moved["head.weight"] == moved["head.bias"] == 0


def test_teachers_stay_as_they_are() -> None:
    chosen = pool()
    before = [
        value.clone() for each in chosen.teachers for value in each.network.state_dict().values()
    ]
    run = run_of(chosen)
    for _ in range(3):
        run.step()
        run.steps_done += 1
    after = [value for each in chosen.teachers for value in each.network.state_dict().values()]
    assert all(map(torch.equal, before, after))


def test_the_meta_learners_running_statistics_are_those_of_its_final_weights() -> None:
    run = run_of(pool())
    for _ in range(3):
        run.step()
        run.steps_done += 1
    learner = run.meta_learner()
    layer = learner.network.blocks[0].norm
    prepared = run._prepared(run.memory.recent(128).float() / 255)
    wanted = run.learner.blocks[0].conv(prepared).mean((0, 2, 3))
    assert torch.allclose(layer.running_mean, wanted, atol=1e-3)


def test_pictures_are_what_the_memory_will_give_back() -> None:
    run = run_of(pool())
    images, _ = run._new_pictures(20)
    # Of 255 levels, so that eight bits lose nothing but rounding.
    torch.testing.assert_close((images * 255).round() / 255, images, rtol=0, atol=1e-6)
    assert isinstance(run, Chorus)


def test_a_learner_may_begin_with_a_teachers_weights_and_keeps_its_normalisation() -> None:
    run = run_of(pool(), learner_start="teacher 1")
    start = run.pool.teachers[1]
    before = run.learner.state_dict()
    own = {k: v for k, v in start.network.state_dict().items() if not k.startswith("head.")}
    assert own and all(torch.equal(before[name], value) for name, value in own.items())
    for _ in range(2):
        run.step()
        run.steps_done += 1
    learner = run.meta_learner()
    assert (learner.mean, learner.std) == (start.mean, start.std)
    assert learner.spec.architecture == "resnet10" and learner.image_size == 24
    # The teacher's own weights stay as they are.
    assert all(torch.equal(start.network.state_dict()[k], v) for k, v in own.items())
    assert run.copied_teachers() == (1,)
    assert [record.copied for record in learner.teachers] == [False, True]


def test_a_learner_drawn_at_random_copies_nobody() -> None:
    assert run_of(pool()).copied_teachers() == ()


def test_a_stopped_run_that_began_with_a_teacher_goes_on_as_if_never_stopped() -> None:
    settings = {"learner_start": "teacher 0", "outer_steps": 3}
    whole, first, second = (run_of(pool(), **settings) for _ in range(3))
    for _ in range(4):
        whole.step()
        whole.steps_done += 1
    for _ in range(2):
        first.step()
        first.steps_done += 1
    second.load_state_dict(first.state_dict())
    for _ in range(2):
        second.step()
        second.steps_done += 1
    ours, theirs = (run.meta_learner().network.state_dict() for run in (whole, second))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_pictures_for_large_networks_are_drawn_small_and_kept_at_the_learners_size() -> None:
    large = pool(architectures=(("conv4", 8, 128), ("resnet10", 4, 112)))
    run = run_of(large, learner_image_size=64, memory=64, components=8)
    run.step()
    assert run.picture_size == 96
    assert run.memory.recent(4).shape == (4, 3, 64, 64)


def test_the_memory_of_pictures_is_bounded_in_bytes_whatever_is_asked() -> None:
    large = pool(architectures=(("conv4", 8, 128), ("conv4", 8, 128)))
    run = run_of(large, memory=262_144)
    assert run.memory.capacity * 3 * 96**2 <= 250_000_000


def test_an_architecture_of_a_library_can_be_the_learner() -> None:
    small = pool(architectures=(("conv4", 8, 32), ("conv4", 8, 32)))
    run = run_of(small, learner="timm/test_efficientnet", learner_width=0, outer_steps=1)
    for _ in range(2):
        run.step()
        run.steps_done += 1
    assert run.meta_learner().spec.architecture == "timm/test_efficientnet"


def test_an_architecture_that_is_unknown_is_refused_by_name() -> None:
    with pytest.raises(InvalidCheckpoint, match="magic"):
        run_of(pool(), learner="timm/magic")


def test_with_crops_the_learner_sees_windows_and_mirror_images_only_where_they_count() -> None:
    whole = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    seen = {
        (crops, mirror): run_of(pool(), crops=crops, mirror=mirror)._changed(whole)
        for crops in (0.0, 1.0)
        for mirror in (False, True)
    }
    assert torch.equal(seen[0.0, False], whole)
    mirrored = (seen[0.0, True] == whole.flip(-1)).flatten(1).all(1)
    assert mirrored.any() and not mirrored.all()
    for mirror in (False, True):
        window = seen[1.0, mirror]
        assert window.shape == whole.shape and 0 <= window.min() <= window.max() <= 1
        assert not torch.allclose(window, whole, atol=0.1)


def test_runs_with_crops_follow_their_seed() -> None:
    runs = [run_of(pool(), crops=crops) for crops in (0.5, 0.5, 0.0)]
    for algorithm in runs:
        for _ in range(3):
            algorithm.step()
            algorithm.steps_done += 1
    one, again, other = (algorithm.learner.state_dict() for algorithm in runs)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)
