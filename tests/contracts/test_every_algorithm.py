"""What every algorithm of the registry must do, whatever it is."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from metalearn.algorithm import Algorithm, StepReport, train
from metalearn.errors import InvalidPool, InvalidSetting
from metalearn.networks import Network, NetworkSpec, build_network
from metalearn.pool import Pool, Teacher
from metalearn.pool.network_cache import NetworkCache
from metalearn.registry import all_algorithms, catalogue, make_algorithm
from metalearn.settings import build, presets_of

CPU = torch.device("cpu")
NAMES = sorted(all_algorithms())

SMALL = {
    "warm_up_steps": 2,
    "outer_steps": 3,
    "replay_steps": 2,
    "n_way": 3,
    "teachers_per_step": 2,
    "images_per_class": 4,
    "generator_steps": 2,
    "generator_width": 8,
    "latent_dim": 8,
    "learner_width": 4,
    "k_shot": 1,
    "n_query": 2,
    "replay_batches": 1,
    "replay_episodes": 2,
    "agreement_every": 1,
    "replay_alignments": 1,
    "alignment_images": 6,
    "teachers_asked": 2,
    "tasks": 2,
    "episodes_per_step": 2,
    "curriculum_start": 0,
    "patience": 1,
    "augmentation": 0.5,
    "embedding_dim": 4,
    "pictures_per_step": 32,
    "memory": 64,
    "updates_per_step": 2,
    "batch_size": 16,
    "components": 8,
}
"""Values that make a run short, for those settings an algorithm has."""


RELATIVES = {"b": "a"}
"""Who begins with whose weights, where the architecture is the same."""


def teacher(
    name: str,
    architecture: str,
    image_size: int,
    class_names: str,
    consent: bool = True,
    channels: int = 3,
) -> Teacher:
    spec = NetworkSpec(architecture, 4, channels, image_size, len(class_names))
    with torch.random.fork_rng():
        torch.manual_seed(ord(RELATIVES.get(name, name)))
        network = build_network(spec)
        if name in RELATIVES:
            torch.manual_seed(ord(name))
            for parameter in network.parameters():
                parameter.data += 0.1 * parameter.std() * torch.randn_like(parameter)
    return Teacher(
        name=name,
        held=network,
        mean=(0.5, 0.4, 0.3)[:channels],
        std=(0.25, 0.2, 0.3)[:channels],
        class_names=tuple(class_names),
        consent_recovery=consent,
    )


def mixed_pool() -> Pool:
    """Unlike architecture, input size and class count."""
    return Pool(
        (
            teacher("a", "conv4", 16, "pqr"),
            teacher("b", "conv4", 20, "qrst"),
            teacher("c", "resnet10", 24, "pst"),
        )
    )


def make(name: str, seed: int = 0, device: torch.device = CPU, **settings: object) -> Algorithm:
    known = {field.name for field in fields(all_algorithms()[name].Config)}
    small = {key: value for key, value in SMALL.items() if key in known}
    return make_algorithm(name, mixed_pool(), small | settings, device=device, seed=seed)


def has_setting(name: str, setting: str) -> bool:
    return any(field.name == setting for field in fields(all_algorithms()[name].Config))


def leaves(state: object, path: str = "") -> Iterator[tuple[Any, ...]]:
    """Every leaf of nested dicts and lists with its path; refuses anything else on the way."""
    if isinstance(state, dict):
        assert all(isinstance(key, str) for key in state), f"a key of {path} is no text"
        for key, value in state.items():
            yield from leaves(value, f"{path}/{key}")
    elif isinstance(state, list):
        for index, value in enumerate(state):
            yield from leaves(value, f"{path}/{index}")
    else:
        yield path, state


def round_trip(state: dict[str, Any]) -> dict[str, Any]:
    """As a snapshot does it: structure through JSON, tensors through copies."""
    tensors = {path: leaf.clone() for path, leaf in leaves(state) if torch.is_tensor(leaf)}

    def plain(node: Any, path: str = "") -> Any:
        if isinstance(node, dict):
            return {key: plain(value, f"{path}/{key}") for key, value in node.items()}
        if isinstance(node, list):
            return [plain(value, f"{path}/{index}") for index, value in enumerate(node)]
        return {"__tensor__": path} if torch.is_tensor(node) else node

    def filled(node: Any) -> Any:
        if isinstance(node, dict):
            if set(node) == {"__tensor__"}:
                return tensors[node["__tensor__"]]
            return {key: filled(value) for key, value in node.items()}
        return [filled(value) for value in node] if isinstance(node, list) else node

    return filled(json.loads(json.dumps(plain(state))))


def same(one: Algorithm, two: Algorithm) -> None:
    pairs = itertools.zip_longest(leaves(one.state_dict()), leaves(two.state_dict()))
    for (path, a), (other_path, b) in pairs:
        assert path == other_path
        assert torch.equal(a, b) if torch.is_tensor(a) else a == b, path


def finish(algorithm: Algorithm) -> list[StepReport]:
    return list(train(algorithm))


@pytest.mark.parametrize("name", NAMES)
def test_reports_come_in_order_with_finite_numbers(name: str) -> None:
    algorithm = make(name)
    reports = finish(algorithm)
    assert [report.step for report in reports] == list(range(1, algorithm.total_steps + 1))
    assert {report.total_steps for report in reports} == {algorithm.total_steps}
    for report in reports:
        assert report.stage
        numbers = torch.tensor([float(value) for value in report.metrics.values()])
        assert torch.isfinite(numbers).all()


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("name", [name for name in NAMES if has_setting(name, "precision")])
def test_optimisers_get_gradients_laid_out_in_memory_as_the_weights(
    name: str, precision: str
) -> None:
    """Fused ones on CPU would take them for those of other weights, without a word."""
    unlike = []

    def look(optimiser: torch.optim.Optimizer, *_: Any) -> None:
        for weight in itertools.chain(*(group["params"] for group in optimiser.param_groups)):
            beside = [weight.grad, *optimiser.state[weight].values()]
            for tensor in beside:
                if torch.is_tensor(tensor) and tensor.shape == weight.shape:
                    unlike.extend([] if tensor.stride() == weight.stride() else [weight.shape])

    hook = register_optimizer_step_pre_hook(look)
    try:
        finish(make(name, precision=precision))
    finally:
        hook.remove()
    assert not unlike


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_result_and_another_seed_another(name: str) -> None:
    one, two, other = make(name), make(name), make(name, seed=1)
    for algorithm in (one, two, other):
        finish(algorithm)
    same(one, two)
    if not one.draws_weights:
        return
    weights = [
        torch.cat([p.flatten() for p in algorithm.meta_learner().network.parameters()])
        for algorithm in (one, other)
    ]
    assert not torch.equal(*weights)


@pytest.mark.parametrize("name", NAMES)
def test_global_randomness_is_neither_used_nor_changed(name: str) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    one = make(name)
    finish(one)
    one.meta_learner()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12)
    two = make(name)
    finish(two)
    same(one, two)


@pytest.mark.parametrize("name", NAMES)
def test_stopped_and_resumed_equals_never_stopped_at_every_step(name: str) -> None:
    whole = make(name)
    finish(whole)
    for stop_after in range(1, whole.total_steps):
        first = make(name)
        for _ in itertools.islice(train(first), stop_after):
            pass
        # Asking for the learner midway must not change the run.
        first.meta_learner()
        second = make(name)
        second.load_state_dict(round_trip(first.state_dict()))
        finish(second)
        same(whole, second)


@pytest.mark.parametrize("name", NAMES)
def test_a_pool_that_lies_on_the_disk_gives_the_same_as_one_in_memory(
    name: str, tmp_path: Path
) -> None:
    whole = make(name)
    finish(whole)
    shelf = NetworkCache(0, tmp_path)
    pool = Pool(tuple(one.cached_in(shelf) for one in mixed_pool().teachers))
    known = {field.name for field in fields(all_algorithms()[name].Config)}
    small = {key: value for key, value in SMALL.items() if key in known}
    shelved = make_algorithm(name, pool, small, device=CPU, seed=0)
    finish(shelved)
    same(whole, shelved)
    assert shelf.n_loaded == 1
    learners = [one.meta_learner().network.state_dict() for one in (whole, shelved)]
    assert all(torch.equal(learners[0][key], learners[1][key]) for key in learners[0])


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_asking_what_a_run_needs_does_not_change_it(name: str) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    asked, other = make(name), make(name)
    needs = asked.needs()
    assert needs.memory_mb > 0
    assert needs.multiply_adds() >= 0 and needs.seconds() >= 0
    assert torch.equal(torch.get_rng_state(), before)
    for one in (asked, other):
        finish(one)
    same(asked, other)


@pytest.mark.parametrize("name", NAMES)
def test_a_snapshot_is_about_as_large_as_was_said(name: str) -> None:
    wide: dict[str, Any] = {"learner_width": 32} if has_setting(name, "learner_width") else {}
    algorithm = make(name, **wide)
    said = algorithm.needs().snapshot
    finish(algorithm)
    tensors = [leaf for _, leaf in leaves(algorithm.state_dict()) if torch.is_tensor(leaf)]
    held = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    # The state of the generator of random numbers, and other small things.
    beside = 40_000
    assert held <= 1.5 * said + beside
    assert said <= 1.5 * held + beside


@pytest.mark.parametrize("name", NAMES)
def test_a_state_is_made_of_plain_values_and_tensors(name: str) -> None:
    algorithm = make(name)
    finish(algorithm)
    for path, leaf in leaves(algorithm.state_dict()):
        assert isinstance(leaf, torch.Tensor | int | float | str | bool), path


@pytest.mark.parametrize("name", NAMES)
def test_the_learner_handed_out_is_not_changed_by_later_steps(name: str) -> None:
    algorithm = make(name)
    steps = train(algorithm)
    next(steps)
    learner = algorithm.meta_learner()
    before = {key: value.clone() for key, value in learner.network.state_dict().items()}
    list(steps)
    after = learner.network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", NAMES)
def test_the_learner_adapts_to_pictures_of_any_size(name: str) -> None:
    algorithm = make(name)
    finish(algorithm)
    rng = torch.Generator().manual_seed(0)
    classifier = algorithm.meta_learner().adapt(
        torch.rand(8, 3, 30, 40, generator=rng), torch.tensor([0, 1, 2, 3] * 2)
    )
    probabilities = classifier.probabilities(torch.rand(3, 3, 19, 19, generator=rng))
    assert probabilities.shape == (3, 4)
    assert torch.allclose(probabilities.sum(1), torch.ones(3), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_teachers_are_the_same_after_the_run(name: str) -> None:
    pool = mixed_pool()
    before = [{k: v.clone() for k, v in t.network.state_dict().items()} for t in pool.teachers]
    known = {field.name for field in fields(all_algorithms()[name].Config)}
    small = {key: value for key, value in SMALL.items() if key in known}
    finish(make_algorithm(name, pool, small, device=CPU, seed=0))
    for teacher_, state in zip(pool.teachers, before, strict=True):
        after = teacher_.network.state_dict()
        assert all(torch.equal(state[key], after[key]) for key in state)
        assert not any(layer._forward_pre_hooks for layer in teacher_.network.modules())


@pytest.mark.parametrize("name", NAMES)
def test_an_algorithm_that_recovers_refuses_a_model_without_consent(name: str) -> None:
    pool = Pool((teacher("a", "conv4", 16, "pqrst"), teacher("b", "conv4", 16, "pqrst", False)))
    if not all_algorithms()[name].needs_recovery:
        make_algorithm(name, pool, {}, device=CPU, seed=0)
        return
    with pytest.raises(InvalidPool, match="“b” did not consent"):
        make_algorithm(name, pool, {}, device=CPU, seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_learner_tells_whether_images_were_recovered_for_it(name: str) -> None:
    algorithm = make(name)
    finish(algorithm)
    made_by = algorithm.meta_learner().made_by
    assert made_by["recovers_images"] is algorithm.needs_recovery
    assert made_by["steps"] == algorithm.total_steps


def alike_pool() -> Pool:
    """Two that can be averaged behind one that cannot, so that places and indices differ."""
    return Pool(
        (
            teacher("c", "resnet10", 24, "pst"),
            teacher("a", "conv4", 16, "pqrst"),
            teacher("b", "conv4", 16, "pqrst"),
        )
    )


def made_of(name: str, pool: Pool, **settings: object) -> Algorithm:
    known = {field.name for field in fields(all_algorithms()[name].Config)}
    small = {key: value for key, value in SMALL.items() if key in known}
    algorithm = make_algorithm(name, pool, small | settings, device=CPU, seed=0)
    finish(algorithm)
    return algorithm


def shared_with(network: Network, own: Network) -> bool:
    """Whether a float tensor of at least two dimensions is in both, bit by bit."""
    kernels = [t for t in network.state_dict().values() if t.is_floating_point() and t.ndim > 1]
    theirs = [t for t in own.state_dict().values() if t.is_floating_point() and t.ndim > 1]
    return any(torch.equal(a, b) for a in kernels for b in theirs)


@pytest.mark.parametrize("pool", [mixed_pool, alike_pool])
@pytest.mark.parametrize("name", NAMES)
def test_a_learner_that_holds_a_teachers_weights_says_so(
    name: str, pool: Callable[..., Pool]
) -> None:
    algorithm = made_of(name, pool())
    learner, copied = algorithm.meta_learner(), algorithm.copied_teachers()
    teachers = pool().teachers
    holds = {i for i, one in enumerate(teachers) if shared_with(learner.network, one.network)}
    assert holds <= set(copied) <= set(range(len(teachers)))
    assert len(set(copied)) == len(copied)
    names = {record.name for record in learner.teachers if record.copied}
    assert names == {teachers[place].name for place in copied}


@pytest.mark.parametrize(
    ("name", "settings", "copied"),
    [
        ("best_teacher", {"rule": "most_classes"}, {"a"}),
        ("teacher_ensemble", {}, {"a", "b", "c"}),
        ("teacher_ensemble", {"members": 2}, {"a", "c"}),
        ("average", {}, {"a", "b"}),
        ("ota", {}, {"a", "b"}),
        ("dro", {}, {"a", "b"}),
        ("purer", {"initialisation": "average"}, {"a", "b"}),
        ("purer", {"preset": "published"}, {"a", "b"}),
        ("purer", {}, set()),
        ("free", {}, set()),
        ("free_plus", {}, set()),
        ("chorus", {}, set()),
        ("random_init", {}, set()),
    ],
)
def test_whose_weights_a_learner_holds_or_lets_others_compute(
    name: str, settings: dict[str, Any], copied: set[Any]
) -> None:
    pool = alike_pool()
    algorithm = made_of(name, pool, **settings)
    assert {pool.teachers[place].name for place in algorithm.copied_teachers()} == copied


def test_with_an_average_and_one_model_the_other_is_computed_back() -> None:
    pool = alike_pool()
    mean = made_of("average", pool).meta_learner().network.state_dict()
    one, other = (pool.teachers[index].network.state_dict() for index in (1, 2))
    kernels = [name for name, tensor in mean.items() if tensor.ndim > 1]
    assert all(torch.allclose(2 * mean[k] - one[k], other[k], atol=1e-5) for k in kernels)


def test_an_unknown_algorithm_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match=r"“sgd”.*free"):
        make_algorithm("sgd", mixed_pool(), {}, device=CPU, seed=0)


def test_the_catalogue_is_plain_data_about_every_algorithm() -> None:
    published = json.loads(json.dumps(catalogue()))
    assert [entry["name"] for entry in published] == NAMES
    for entry in published:
        assert entry["title"]
        assert entry["summary"]
        for setting in entry["settings"]:
            assert setting["help"]
            if setting["kind"] in ("int", "float"):
                assert setting["low"] <= setting["default"] <= setting["high"]


PRESETS = [
    (name, preset.name) for name in NAMES for preset in presets_of(all_algorithms()[name].Config)
]


def test_free_and_purer_have_presets_and_the_first_is_the_defaults() -> None:
    assert [(name, preset) for name, preset in PRESETS if preset != "released"] == [
        ("free", "standard"),
        ("free", "published"),
        ("purer", "standard"),
        ("purer", "published"),
    ]
    for name in ("free", "purer"):
        config = all_algorithms()[name].Config
        assert not presets_of(config)[0].values
        assert fields(config)[0].name == "preset"


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_preset_changes_settings_that_there_are_to_values_that_are_allowed(
    name: str, preset: str
) -> None:
    config = all_algorithms()[name].Config
    values = next(one.values for one in presets_of(config) if one.name == preset)
    found: Any = build(config, {"preset": preset})
    assert found == build(config, values | {"preset": preset})
    assert all(getattr(config(), setting) != value for setting, value in values.items())


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_runs_to_its_end_and_the_learner_names_it(name: str, preset: str) -> None:
    algorithm = make(name, preset=preset)
    finish(algorithm)
    title = str(algorithm.meta_learner().made_by["title"])
    assert title.startswith(f"{algorithm.title} ({preset}, ") and title.endswith(" changed)")
