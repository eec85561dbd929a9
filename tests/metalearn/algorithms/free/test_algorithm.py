"""FREE's outer step: stages, memory, and the released code's mistakes that are not repeated."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from metalearn.algorithm import train
from metalearn.algorithms.free import algorithm as free_module
from metalearn.algorithms.free.algorithm import Free
from metalearn.algorithms.free.config import FreeConfig
from metalearn.algorithms.free.learner_inputs import replayed, student_of
from metalearn.algorithms.free.shared_head import distillation_of
from metalearn.errors import InvalidPool, InvalidSetting
from metalearn.learning.replay import EpisodeLoss
from metalearn.networks import Network
from metalearn.networks.generator import Generator
from metalearn.numerics.episode import Episode
from metalearn.pool import Pool
from metalearn.recovery.inversion import Fit, InversionSettings, RecoveredTask, TeacherTask
from metalearn.registry import make_algorithm
from tests.recorded import recorded

SMALL = {
    "warm_up_steps": 1,
    "outer_steps": 2,
    "replay_steps": 1,
    "n_way": 3,
    "teachers_per_step": 3,
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
}


@pytest.fixture
def make(tiny_pool: Pool) -> Callable[..., Free]:
    def make_(pool: Pool = tiny_pool, **settings: Any) -> Free:
        chosen = SMALL | settings
        run = make_algorithm("free", pool, chosen, device=torch.device("cpu"), seed=0)
        assert isinstance(run, Free)
        return run

    return make_


def weights_of(network: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for p in network.parameters()])


def test_a_step_over_n_teachers_adds_n_recovered_tasks(make: Callable[..., Free]) -> None:
    # The released code keeps the last teacher's images only.
    algorithm = make()
    counts = []
    for _ in train(algorithm):
        counts.append(algorithm.memory.n_tasks)
    assert counts == [0, 3, 6, 6]


def test_the_released_memory_keeps_only_the_last_teachers_task(
    make: Callable[..., Free], monkeypatch: pytest.MonkeyPatch
) -> None:
    algorithm = make(remembered="last")
    last = []
    original = algorithm.memory.add

    def note(images: Tensor, labels: Tensor, names: Sequence[str]) -> None:
        last.append(names)
        original(images, labels, names)

    monkeypatch.setattr(algorithm.memory, "add", note)
    counts = [algorithm.memory.n_tasks for _ in train(algorithm)]
    assert counts == [0, 1, 2, 2] and len(last) == 2


def test_warm_up_trains_the_generator_and_leaves_the_learner_alone(
    make: Callable[..., Free],
) -> None:
    algorithm = make()
    generator, learner = weights_of(algorithm.generator), weights_of(algorithm.learner)
    report = next(train(algorithm))
    assert report.stage == "warm-up"
    assert "adversarial" not in report.metrics
    assert not torch.equal(weights_of(algorithm.generator), generator)
    assert torch.equal(weights_of(algorithm.learner), learner)
    assert algorithm.memory.n_images == 0


def test_the_last_stage_replays_only(make: Callable[..., Free]) -> None:
    algorithm = make()
    *_, last = train(algorithm)
    assert last.stage == "replay"
    assert set(last.metrics) == {"replay", "replay_accuracy"}
    assert last.recovered is None


def test_meta_training_reports_losses_accuracy_and_agreement(make: Callable[..., Free]) -> None:
    reports = list(train(make()))
    assert set(reports[2].metrics) == {
        "recovery",
        "batchnorm",
        "adversarial",
        "teacher_accuracy",
        "distillation",
        "gradient_inner_product",
        "gradient_cosine",
        "replay",
        "replay_accuracy",
    }


def test_a_recovered_episode_shows_every_class_in_support_and_query(
    make: Callable[..., Free],
) -> None:
    report = next(train(make()))
    episode = report.recovered
    assert episode.n_way == 3
    assert set(episode.support_labels.tolist()) == set(episode.query_labels.tolist()) == {0, 1, 2}
    assert len(episode.support_images) + len(episode.query_images) == 12


def test_optimisers_keep_their_moments_from_step_to_step(make: Callable[..., Free]) -> None:
    # The released code makes the generator's optimiser anew in every epoch.
    algorithm = make(generator_update="first_order")
    list(train(algorithm))
    for optimiser, steps in (
        (algorithm.generator_optimiser, 3),  # one a step, but for the last stage
        (algorithm.learner_optimisers.by_name["vector_optimiser"], 2 + 3),  # alignments, replays
    ):
        moments = next(iter(optimiser.state.values()))
        assert int(moments["step"]) == steps


def test_the_released_generators_optimiser_begins_anew_at_every_step(
    make: Callable[..., Free],
) -> None:
    generators = {}
    for kept in ("kept", "renewed"):
        algorithm = make(generator_moments=kept, generator_update="first_order")
        list(train(algorithm))
        moments = next(iter(algorithm.generator_optimiser.state.values()))
        assert int(moments["step"]) == (3 if kept == "kept" else 1)
        generators[kept] = weights_of(algorithm.generator)
    assert not torch.equal(generators["kept"], generators["renewed"])


def test_the_clones_optimiser_is_a_setting(make: Callable[..., Free]) -> None:
    learners = {}
    for optimiser in ("sgd", "adam"):
        algorithm = make(alignment_optimiser=optimiser)
        list(train(algorithm))
        learners[optimiser] = weights_of(algorithm.learner)
    assert not torch.allclose(learners["sgd"], learners["adam"])


def test_replay_ends_when_nothing_better_comes_for_as_long_as_patience_says(
    make: Callable[..., Free], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The third meta-batch is the best; two more bring nothing new.
    hits = iter([0.2, 0.1, 0.5, 0.5, 0.4, 0.9])

    def told(
        network: Network, episodes: list[Episode], config: FreeConfig, **_others: Any
    ) -> EpisodeLoss:
        return EpisodeLoss(torch.zeros(()), next(hits))

    algorithm = make(replay_batches=6, replay_patience=2)
    algorithm.recover(adversarial=False)
    for task in algorithm.recover(adversarial=False)[0]:
        algorithm.memory.add(task.images, task.labels, task.task.memory_names(merge=True))
    monkeypatch.setattr(free_module, "replayed", told)
    assert algorithm.replay()["replay_accuracy"] == pytest.approx(1.7 / 5)
    assert list(hits) == [0.9]


def test_the_generators_gradient_is_the_mean_over_the_teachers_in_any_order(
    make: Callable[..., Free], monkeypatch: pytest.MonkeyPatch
) -> None:
    gradients = {}
    original = free_module.recover
    for order in itertools.permutations(range(3)):
        algorithm = make(generator_update="first_order")
        teachers = [algorithm.pool.teachers[index] for index in order]
        monkeypatch.setattr(Pool, "sample", lambda self, n, rng, t=teachers: t)
        # One latent and no mirror for all, so that only the order differs.
        fixed = torch.randn(12, 8, generator=torch.Generator().manual_seed(0))

        def same_draws(
            task: TeacherTask,
            generator: Generator,
            latents: Tensor,
            labels: Tensor,
            *,
            settings: InversionSettings,
            rng: Any,
            student: None,
            f: Tensor = fixed,
        ) -> Fit:
            rng = torch.Generator().manual_seed(5)
            task = type(task)(task.teacher, tuple(range(3)))
            return original(task, generator, f, labels, settings=settings, rng=rng, student=student)

        monkeypatch.setattr(free_module, "recover", same_draws)
        algorithm.recover(adversarial=False)
        monkeypatch.setattr(free_module, "recover", original)
        gradients[order] = torch.cat([p.grad.flatten() for p in algorithm.generator.parameters()])
    first, *others = gradients.values()
    assert first.abs().sum() > 0
    assert all(torch.allclose(first, other, atol=1e-6) for other in others)


def test_sum_and_mean_of_the_meta_gradient_differ_by_the_number_of_teachers(
    make: Callable[..., Free],
) -> None:
    grads = []
    for how in ("mean", "sum"):
        algorithm = make(generator_update="first_order", meta_gradient=how)
        algorithm.recover(adversarial=False)
        grads.append(torch.cat([p.grad.flatten() for p in algorithm.generator.parameters()]))
    assert torch.allclose(3 * grads[0], grads[1], rtol=1e-4)


@pytest.mark.parametrize("learner", ["protonet", "maml", "anil"])
@pytest.mark.parametrize("head", ["shared", "prototypes"])
def test_every_replay_learner_moves_the_learner(
    make: Callable[..., Free], learner: str, head: str
) -> None:
    algorithm = make(replay_learner=learner, distillation_head=head, replay_steps=0)
    before = weights_of(algorithm.learner)
    reports = list(train(algorithm))
    assert not torch.equal(weights_of(algorithm.learner), before)
    assert "replay" in reports[-1].metrics
    expected = "prototypes" if learner == "protonet" else "sgd"
    assert algorithm.meta_learner().defaults.head == expected


@contextmanager
def formats_of_convolutions() -> Iterator[set[torch.dtype]]:
    """Number formats that come out of the convolutions that run inside the `with` block."""
    seen: set[torch.dtype] = set()

    def see(module: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        if isinstance(module, torch.nn.Conv2d):
            seen.add(output.dtype)

    hook = register_module_forward_hook(see)
    try:
        yield seen
    finally:
        hook.remove()


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("replay_learner", ["protonet", "maml", "anil"])
def test_replay_and_the_adversarial_student_run_in_the_format_asked_for(
    make: Callable[..., Free], precision: str, replay_learner: str
) -> None:
    algorithm = make(precision=precision, replay_learner=replay_learner)
    config, pool = algorithm.config, algorithm.pool
    images, labels = torch.rand(6, 3, 24, 24), torch.arange(3).repeat(2)
    episode = Episode(images[:3], labels[:3], images[3:], labels[3:])
    with formats_of_convolutions() as trained:
        replayed(algorithm.learner, [episode], config, pool=pool, rng=algorithm.rng)
    with formats_of_convolutions() as studied:
        student_of(algorithm.learner, config, pool)(images, labels)
    assert trained == studied == {torch.bfloat16 if precision == "bf16" else torch.float32}


@pytest.mark.parametrize(
    ("settings", "size", "architecture"),
    [
        ({}, 24, "conv4"),
        ({"learner": "resnet10", "learner_image_size": 12}, 12, "resnet10"),
        ({"learner_image_size": 9}, 16, "conv4"),
    ],
)
def test_the_learner_is_built_as_asked(
    make: Callable[..., Free], settings: dict[str, Any], size: int, architecture: str
) -> None:
    algorithm = make(**settings)
    assert algorithm.learner.spec.image_size == size
    assert algorithm.learner.spec.architecture == architecture
    list(itertools.islice(train(algorithm), 2))
    assert algorithm.meta_learner().image_size == size


def test_grey_pools_give_grey_learners(
    make: Callable[..., Free], make_teacher: Callable[..., Any]
) -> None:
    pool = Pool(tuple(make_teacher(name, channels=1) for name in "ab"))
    algorithm = make(pool=pool)
    list(train(algorithm))
    assert algorithm.meta_learner().channels == 1


@pytest.mark.parametrize("head", ["shared", "prototypes"])
def test_a_task_has_the_classes_that_its_teacher_knows_and_an_episode_those_asked_for(
    make: Callable[..., Free],
    make_teacher: Callable[..., Any],
    head: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("cat", "dog"), ("owl", "fox", "bee"), ("cat", "owl")
    pool = Pool(
        tuple(make_teacher(name, class_names=n) for name, n in zip("abc", names, strict=True))
    )
    algorithm = make(pool=pool, n_way=4, distillation_head=head, outer_steps=4, replay_steps=0)
    sampled: list[Episode] = []
    monkeypatch.setattr(algorithm.memory, "sample", recorded(algorithm.memory.sample, sampled))
    reports = list(train(algorithm))
    assert {report.recovered.n_way for report in reports} <= {2, 3}
    assert {episode.n_way for episode in sampled} == {4}
    assert "adversarial" in reports[-1].metrics


def test_models_that_know_too_few_classes_together_are_refused(make: Callable[..., Free]) -> None:
    assert make(n_way=5)
    with pytest.raises(InvalidPool, match="know 5 classes together"):
        make(n_way=6)


def test_images_are_recovered_at_no_more_than_the_size_asked_for_and_kept_so(
    make: Callable[..., Free],
) -> None:
    assert make(picture_size=18).learner.spec.image_size == 18
    algorithm = make(picture_size=18, learner_image_size=24)
    report = list(train(algorithm))[1]
    assert algorithm.learner.spec.image_size == 24
    assert report.recovered.support_images.shape[-1] == 18
    assert {images.shape[-1] for images in algorithm.memory.images_by_class()} == {18}
    assert make().generator.image_size == 24


def test_a_thousand_classes_fit_into_a_small_memory(
    make: Callable[..., Free], make_teacher: Callable[..., Any]
) -> None:
    many = tuple(f"class {index}" for index in range(1_000))
    pool = Pool(tuple(make_teacher(name, class_names=many) for name in "ab"))
    algorithm = make(pool=pool, memory_mb=1, outer_steps=200, k_shot=40, n_query=40)
    assert algorithm.memory.images_per_class == 80
    assert algorithm.memory.most_classes == 2**20 // (80 * 3 * 16 * 16)


def test_the_finished_learner_has_statistics_of_its_final_weights(
    make: Callable[..., Free],
) -> None:
    algorithm = make()
    list(train(algorithm))
    learner = algorithm.meta_learner()
    norm, own = learner.network.blocks[0].norm, algorithm.learner.blocks[0].norm
    assert not torch.equal(norm.running_mean, own.running_mean)
    images = torch.cat(algorithm.memory.images_by_class()).float() / 255
    mean = torch.tensor(learner.mean).view(1, -1, 1, 1)
    std = torch.tensor(learner.std).view(1, -1, 1, 1)
    with torch.no_grad():
        outputs = learner.network.blocks[0].conv((images - mean) / std)
    assert torch.allclose(norm.running_mean, outputs.mean((0, 2, 3)), atol=1e-4)


@pytest.mark.parametrize(
    ("optimiser", "highest"), [("vector_optimiser", "outer_lr"), ("kernel_optimiser", "kernel_lr")]
)
def test_the_learners_rates_stay_unless_they_are_told_to_fall_to_zero(
    make: Callable[..., Free], optimiser: str, highest: str
) -> None:
    def rates(**settings: Any) -> list[float]:
        algorithm = make(outer_optimiser="muon", **settings)
        chosen = algorithm.learner_optimisers.by_name[optimiser]
        found = [chosen.param_groups[0]["lr"] for _ in train(algorithm)]
        assert found[0] == pytest.approx(getattr(algorithm.config, highest))
        return found

    falling = rates(lr_decay=True)
    assert falling[0] == falling[1]
    assert falling[1] > falling[2] > falling[3] > 0
    assert len(set(rates())) == 1


def test_reptile_goes_the_given_share_of_the_way_to_the_mean_of_the_copies(
    make: Callable[..., Free], monkeypatch: pytest.MonkeyPatch
) -> None:
    algorithm = make(generator_update="reptile", reptile_rate=0.25)
    before = weights_of(algorithm.generator)
    fits: list[Any] = []
    monkeypatch.setattr(free_module, "recover", recorded(free_module.recover, fits))
    algorithm.recover(adversarial=False)
    ways = [torch.cat([m.flatten() for m in fit.direction]) for fit in fits]
    expected = before - 0.25 * torch.stack(ways).mean(0)
    assert torch.allclose(weights_of(algorithm.generator), expected, atol=1e-6)


@pytest.mark.long
@pytest.mark.parametrize(("merge", "n_classes"), [(True, 5), (False, 10)])
def test_classes_of_one_name_are_merged_unless_told_otherwise(
    make: Callable[..., Free], merge: bool, n_classes: int
) -> None:
    # Five names among the ten outputs of three teachers.
    algorithm = make(merge_classes=merge, outer_steps=6, teachers_per_step=6)
    list(train(algorithm))
    assert algorithm.memory.n_classes == n_classes


def test_the_released_distillation_is_another_loss_and_moves_the_learner_elsewhere(
    make: Callable[..., Free],
) -> None:
    # Against torch's own function, called as the equations and as the released code have it.
    rng = torch.Generator().manual_seed(0)
    images, targets = torch.rand(12, 3, 24, 24, generator=rng), torch.randn(12, 3, generator=rng)
    found, gradients = {}, {}
    for form in ("kl", "as_released"):
        algorithm = make(
            distillation=form,
            distillation_head="shared",
            distillation_temperature=1.0,
            precision="fp32",
        )
        task = RecoveredTask(
            TeacherTask(algorithm.pool.teachers[0], (0, 1, 2)), images, torch.arange(12) % 3, {}, 0
        )
        loss = distillation_of(
            algorithm.learner,
            task=task,
            targets=targets,
            config=algorithm.config,
            pool=algorithm.pool,
        )
        found[form] = loss.item()
        gradients[form] = torch.autograd.grad(loss, algorithm.learner.output_layer.weight)[
            0
        ].flatten()
        logits = algorithm.learner((images - 0.5) / 0.25)
        student = logits.log_softmax(1) if form == "kl" else logits.softmax(1)
        entries = F.kl_div(student, targets.softmax(1), reduction="none")
        expected = (entries.sum(1) if form == "kl" else entries).mean().item()
        assert found[form] == pytest.approx(expected, rel=1e-4)
    assert found["kl"] != pytest.approx(found["as_released"], rel=0.01)
    assert F.cosine_similarity(gradients["kl"], gradients["as_released"], dim=0) < 0.99


def test_a_memory_too_small_for_an_episode_is_refused_and_not_left_out_silently(
    make: Callable[..., Free],
) -> None:
    with pytest.raises(InvalidSetting, match="raise memory_per_class"):
        make(memory_per_class=2)
    assert make(memory_per_class=3).memory.images_per_class == 3
    with pytest.raises(InvalidSetting, match="raise memory_mb to 8 or lower picture_size to 34"):
        make(memory_mb=1, k_shot=50, n_query=50, learner_image_size=96)


def test_a_learner_of_maml_adapts_in_the_ten_steps_that_its_authors_judge_it_by(
    make: Callable[..., Free],
) -> None:
    defaults = make(inner_steps=5).meta_learner().defaults
    assert (defaults.head, defaults.inner_steps, defaults.inner_lr) == ("sgd", 10, 0.01)
    assert defaults.batchnorm == "transductive"
    assert make(replay_learner="protonet").meta_learner().defaults.batchnorm == "inductive"


def test_by_default_adam_moves_the_whole_learner_and_the_generator_sees_latents_alone(
    make: Callable[..., Free],
) -> None:
    algorithm = make()
    assert list(algorithm.learner_optimisers.by_name) == ["vector_optimiser"]
    moved = algorithm.learner_optimisers.by_name["vector_optimiser"].param_groups[0]["params"]
    assert {id(p) for p in moved} == {id(p) for p in algorithm.learner.parameters()}
    assert algorithm.generator.n_way == 0
    assert "heads" not in algorithm.parts()
