import pytest
import torch

from metalearn.algorithms.chorus import Chorus, ChorusConfig
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


def pool(*, consent=True, architectures=(("conv4", 8, 16), ("resnet10", 4, 24))):
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


def run_of(chosen_pool, **settings):
    chosen = {**SETTINGS, **settings}
    return make_algorithm("chorus", chosen_pool, chosen, device=torch.device("cpu"), seed=0)


def test_the_learner_comes_to_see_new_pictures_as_the_pool_does():
    run = run_of(pool())
    reports = []
    while run.steps_done < run.total_steps:
        reports.append(run.step())
        run.steps_done += 1
    learned = [report.metrics["similarity_on_new_pictures"] for report in reports[1:]]
    assert learned[-1] > learned[0] + 0.1
    assert reports[-1].metrics["loss"] < reports[1].metrics["loss"]


def test_no_owners_consent_to_recovery_is_needed_because_nothing_is_recovered():
    report = run_of(pool(consent=False)).step()
    assert report.stage == "listening"
    assert report.recovered is None


def test_the_first_step_fills_the_memory_and_each_later_one_adds_its_pictures():
    run = run_of(pool())
    run.step()
    assert run.memory.n_seen == 128
    run.steps_done = 1
    run.step()
    assert run.memory.n_seen == 128 + 32


@pytest.mark.parametrize(
    ("optimiser", "highest"), [("kernel_optimiser", "outer_lr"), ("vector_optimiser", "vector_lr")]
)
def test_the_rate_rises_to_its_height_and_ends_at_zero(optimiser, highest):
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


def test_every_weight_but_the_heads_is_learned():
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


def test_teachers_stay_as_they_are():
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


def test_the_meta_learners_running_statistics_are_those_of_its_final_weights():
    run = run_of(pool())
    for _ in range(3):
        run.step()
        run.steps_done += 1
    learner = run.meta_learner()
    layer = learner.network.blocks[0].norm
    prepared = run._prepared(run.memory.recent(128).float() / 255)
    wanted = run.learner.blocks[0].conv(prepared).mean((0, 2, 3))
    assert torch.allclose(layer.running_mean, wanted, atol=1e-3)


def test_pictures_are_what_the_memory_will_give_back():
    run = run_of(pool())
    images = run._new_pictures(20)
    # Of 255 levels, so that eight bits lose nothing but rounding.
    torch.testing.assert_close((images * 255).round() / 255, images, rtol=0, atol=1e-6)
    assert isinstance(run, Chorus)
