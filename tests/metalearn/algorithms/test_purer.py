"""PURER: its losses by hand, its curriculum against second-order MAML written another way."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from metalearn.algorithm import train
from metalearn.algorithms.purer.algorithm import Purer
from metalearn.algorithms.purer.curriculum import Curriculum
from metalearn.algorithms.purer.images import LearnableImages
from metalearn.algorithms.purer.inversion import inversion_loss, rolled, total, total_variation
from metalearn.errors import InvalidPool, InvalidSetting
from metalearn.learning.replay import EpisodeLoss, Replay
from metalearn.networks import Network
from metalearn.numerics.episode import Episode
from metalearn.pool import Pool
from metalearn.recovery.inversion import TeacherTask
from metalearn.recovery.teacher_pass import Limits
from metalearn.registry import make_algorithm

CPU = torch.device("cpu")
SMALL = {
    "outer_steps": 3,
    "n_way": 3,
    "teachers_per_step": 2,
    "images_per_class": 4,
    "learner_width": 4,
    "k_shot": 1,
    "n_query": 2,
    "episodes_per_step": 2,
    "precision": "fp32",
}


@pytest.fixture
def make(tiny_pool: Pool) -> Callable[..., Purer]:
    def make_(pool: Pool = tiny_pool, **settings: Any) -> Purer:
        run = make_algorithm("purer", pool, SMALL | settings, device=CPU, seed=0)
        assert isinstance(run, Purer)
        return run

    return make_


@pytest.fixture
def images() -> LearnableImages:
    return LearnableImages(
        ["bee", "cat", "dog"],
        per_class=4,
        size=(2, 8),
        normalisation=((0.5, 0.2), (0.25, 0.1)),
        rng=torch.Generator().manual_seed(0),
    )


def flat(network: Network) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for p in network.parameters()])


def test_images_start_from_standard_normal_noise() -> None:
    images = LearnableImages(
        "abcd",
        per_class=20,
        size=(3, 16),
        normalisation=((0.0,) * 3, (1.0,) * 3),
        rng=torch.Generator().manual_seed(1),
    )
    many = torch.stack(list(images.of_class)).detach()
    assert many.mean().abs() < 0.02
    assert abs(float(many.std()) - 1) < 0.02


def test_a_teachers_images_come_class_by_class_in_turn(images: LearnableImages) -> None:
    shown = images.of_classes(["dog", "bee"])
    assert torch.equal(shown[0::2], images.of_class[2])
    assert torch.equal(shown[1::2], images.of_class[0])


def test_normalised_images_become_pictures(images: LearnableImages) -> None:
    unit = images.unit(torch.ones(1, 2, 1, 1))
    assert torch.allclose(unit.flatten(), torch.tensor([0.75, 0.3]))


def test_an_episode_holds_unlike_images_of_one_class_under_one_label(
    images: LearnableImages,
) -> None:
    episode = images.episode(n_way=2, k_shot=1, n_query=3, rng=torch.Generator().manual_seed(5))
    assert episode.support_labels.tolist() == [0, 1]
    assert episode.query_labels.tolist() == [0, 0, 0, 1, 1, 1]
    for label in (0, 1):
        support = episode.support_images[episode.support_labels == label]
        query = episode.query_images[episode.query_labels == label]
        drawn = torch.cat([support, query])
        owner = [c for c in range(3) if any(torch.equal(drawn[0], i) for i in images.of_class[c])]
        rows = {tuple(image.flatten().tolist()) for image in drawn}
        assert rows == {tuple(image.flatten().tolist()) for image in images.of_class[owner[0]]}


def test_all_images_are_there_once_when_statistics_are_taken(images: LearnableImages) -> None:
    batches = images.mixed(5)
    assert min(map(len, batches)) > 1
    ours = sorted(float(image.sum()) for image in torch.cat(batches))
    theirs = torch.cat(list(images.of_class)).detach()
    assert ours == pytest.approx(sorted(float(image.sum()) for image in theirs))


def test_total_variation_of_a_small_image_by_hand() -> None:
    image = torch.tensor([[[[0.0, 1.0], [3.0, 7.0]]]])
    # Right: (1, 4); down: (3, 6); falling diagonal: 7; rising: 3 - 1.
    expected = math.hypot(1, 4) + math.hypot(3, 6) + 7 + 2
    assert total_variation(image).item() == pytest.approx(expected, rel=1e-6)


def test_images_are_rolled_as_one_by_at_most_the_shift_in_both_directions() -> None:
    image = torch.arange(64.0).view(1, 1, 8, 8).repeat(2, 1, 1, 1)
    rng, seen = torch.Generator().manual_seed(0), set()
    for _ in range(200):
        shown = rolled(image, max_shift=2, rng=rng)
        assert torch.equal(shown[0], shown[1])
        row, column = divmod(int(shown[0, 0].flatten().argmin()), 8)
        seen.add(((row + 2) % 8, (column + 2) % 8))
    assert seen == {(row, column) for row in range(5) for column in range(5)}


def test_equal_and_released_sums_over_teachers_differ_as_the_quirk_says() -> None:
    losses = [torch.tensor(value, requires_grad=True) for value in (1.0, 10.0, 100.0)]
    assert total(losses, "equal").item() == pytest.approx(111)
    # The released code: running sums 1, 11, 111, all added.
    released = total(losses, "as_released")
    assert released.item() == pytest.approx(1 + 11 + 111)
    slopes = [g.item() for g in torch.autograd.grad(released, losses)]
    assert slopes == pytest.approx([3, 2, 1])


def test_the_inversion_loss_is_that_of_the_paper(
    make: Callable[..., Purer], make_teacher: Callable[..., Any]
) -> None:
    algorithm = make(max_shift=0, batchnorm_weight=0.5, variation_weight=0.1, norm_weight=0.2)
    task = TeacherTask(algorithm.pool.teachers[0], (2, 0, 1))
    found = inversion_loss(
        task, algorithm.images, algorithm.config, limits=Limits(2**30, "fp32"), rng=algorithm.rng
    )

    # By hand, block by block, for classes owl, cat, dog.
    own = [algorithm.images.of_class[algorithm.images.index[n]] for n in ("owl", "cat", "dog")]
    stacked = torch.stack(own, dim=1).flatten(0, 1).detach()
    pictures = stacked * 0.25 + 0.5
    shown = F.interpolate(pictures, (16, 16), mode="bilinear", antialias=True)
    x, distance = (shown - 0.5) / 0.25, torch.tensor(0.0)
    network = task.teacher.network
    for block in network.blocks:
        x = block.conv(x)
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        distance += (mean - block.norm.running_mean).norm() + (var - block.norm.running_var).norm()
        x = F.max_pool2d(F.relu(block.norm(x)), 2)
    logits = network.output_layer(x.flatten(1))[:, [2, 0, 1]]
    truth = torch.tensor([0, 1, 2] * 4)
    entropy = -logits.log_softmax(1)[range(12), truth].mean()
    expected = entropy + 0.5 * distance + 0.1 * total_variation(stacked)
    expected += 0.2 * stacked.square().sum().sqrt()
    assert found.loss.item() == pytest.approx(expected.item(), rel=1e-4)
    assert sum(found.terms.values()) == pytest.approx(expected.item(), rel=1e-4)
    assert found.accuracy == pytest.approx((logits.argmax(1) == truth).float().mean().item())


def test_the_curriculum_waits_for_as_many_batches_without_a_best_and_starts_anew() -> None:
    curriculum = Curriculum(patience=2)
    asked = []
    for accuracy in (0.5, 0.4, 0.6, 0.6, 0.1, 0.2, 0.1, 0.2):
        curriculum.watch(accuracy)
        asked.append(curriculum.take())
    # 0.6 is a best; two without one; then 0.2 is the first best of the next round.
    assert asked == [False, False, False, False, True, False, False, True]


def reference_maml(
    learner: Network, images: Sequence[Tensor], episode: Episode, steps: int, lr: float
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Second-order MAML on a network in training mode, weights as one dictionary."""
    weights: dict[str, Tensor] = dict(learner.named_parameters())
    for _ in range(steps):
        logits = functional_call(learner, weights, (episode.support_images,))
        inner = F.cross_entropy(logits, episode.support_labels)
        grads = torch.autograd.grad(inner, tuple(weights.values()), create_graph=True)
        moved = zip(weights.items(), grads, strict=True)
        weights = {name: value - lr * grad for (name, value), grad in moved}
    outer = F.cross_entropy(
        functional_call(learner, weights, (episode.query_images,)), episode.query_labels
    )
    return outer, torch.autograd.grad(outer, images, materialize_grads=True)


def test_a_harder_step_turns_the_outer_loss_against_the_images_through_the_inner_loop(
    make: Callable[..., Purer],
) -> None:
    settings = {"meta_learner": "maml", "inner_steps": 2, "inner_lr": 0.1, "curriculum_weight": 7.0}
    plain, harder = make(**settings), make(**settings)
    before = copy.deepcopy(plain.images.state_dict())
    plain.shape_images(harder=False)
    # What was drawn is the same up to here, so this is the episode that the other one sees.
    plain.images.load_state_dict(before)
    episode, pixels = plain._episode(), list(plain.images.parameters())
    outer, gradients = reference_maml(plain.learner, pixels, episode, 2, 0.1)
    _, metrics = harder.shape_images(harder=True)
    assert metrics["outer_loss"] == pytest.approx(outer.item(), rel=1e-4)
    assert max(gradient.abs().max() for gradient in gradients) > 1e-4
    pairs = zip(harder.images.of_class, plain.images.of_class, gradients, strict=True)
    for with_it, without, gradient in pairs:
        asked = [0.0 if one.grad is None else one.grad for one in (with_it, without)]
        difference = torch.zeros_like(gradient) + asked[0] - asked[1]
        assert torch.allclose(difference, -7.0 * gradient, atol=1e-5)


def test_images_of_classes_that_no_teacher_was_asked_about_stay_as_they_are(
    make: Callable[..., Purer],
) -> None:
    algorithm = make(teachers_per_step=1, curriculum_weight=0.0)
    index = algorithm.images.index
    stayed = 0
    for _ in range(6):
        before = [pixels.detach().clone() for pixels in algorithm.images.of_class]
        state = algorithm.rng.get_state()
        asked = {index[name] for task in algorithm._tasks() for name in task.class_names}
        algorithm.rng.set_state(state)
        algorithm.shape_images(harder=False)
        for place, (old, new) in enumerate(zip(before, algorithm.images.of_class, strict=True)):
            assert torch.equal(old, new) == (place not in asked)
            stayed += place not in asked
    assert stayed


@pytest.mark.parametrize("meta_learner", ["protonet", "maml", "anil"])
def test_a_harder_step_raises_every_learners_loss(
    make: Callable[..., Purer], meta_learner: str
) -> None:
    algorithm = make(meta_learner=meta_learner, image_lr=1e-3, curriculum_weight=1000.0)
    state = algorithm.rng.get_state()

    def loss_of_next_episode() -> float:
        algorithm.rng.set_state(state)
        algorithm._tasks()
        torch.randint(0, 2, (2 * 2,), generator=algorithm.rng)  # two rolls
        return algorithm.episode_loss(algorithm._episode()).loss.item()

    before = loss_of_next_episode()
    algorithm.rng.set_state(state)
    _, metrics = algorithm.shape_images(harder=True)
    assert metrics["outer_loss"] == pytest.approx(before, rel=1e-4)
    assert loss_of_next_episode() > before


@pytest.mark.parametrize("meta_learner", ["protonet", "maml", "anil"])
def test_every_learner_learns_and_gets_the_head_that_it_was_taught_for(
    make: Callable[..., Purer], meta_learner: str
) -> None:
    algorithm = make(meta_learner=meta_learner, curriculum_start=0, patience=1)
    before = flat(algorithm.learner)
    reports = list(train(algorithm))
    assert not torch.equal(flat(algorithm.learner), before)
    head = "prototypes" if meta_learner == "protonet" else "sgd"
    assert algorithm.meta_learner().defaults.head == head
    assert any(report.metrics["harder"] for report in reports)


def test_no_step_goes_against_the_learner_before_the_curriculum_or_at_weight_zero(
    make: Callable[..., Purer],
) -> None:
    for settings in ({"curriculum_start": 9}, {"curriculum_weight": 0.0, "curriculum_start": 0}):
        reports = list(train(make(outer_steps=5, patience=1, **settings)))
        assert not any(report.metrics["harder"] for report in reports)


def test_images_please_the_teachers_better_and_better(make: Callable[..., Purer]) -> None:
    alone = {"merge_classes": False, "batchnorm_weight": 0.0, "max_shift": 0}
    reports = list(train(make(outer_steps=20, teachers_per_step=0, **alone)))
    assert reports[-1].metrics["recovery"] < 0.5 * reports[0].metrics["recovery"]


def test_of_many_classes_some_are_drawn_from_every_model_and_the_same_for_a_seed(
    make: Callable[..., Purer], make_teacher: Callable[..., Any]
) -> None:
    rows = [tuple(f"{name} {index}" for index in range(40)) for name in "ab"] + [("x", "y")]
    pool = Pool(tuple(make_teacher(n, class_names=r) for n, r in zip("abc", rows, strict=True)))
    algorithm = make(pool=pool, most_classes=9)
    known = algorithm.classes.of_teacher
    assert len(algorithm.images.of_class) == 9
    assert sum(map(len, known)) == 9 and known[2] == (0, 1)
    assert max(len(row) for row in known) - min(len(row) for row in known[:2]) <= 1
    assert {n for task in algorithm._tasks() for n in task.class_names} <= set(
        algorithm.images.index
    )
    assert make(pool=pool, most_classes=9).classes == algorithm.classes
    assert len(list(train(algorithm))) == 3


def test_as_many_classes_are_drawn_as_the_memory_holds(
    make: Callable[..., Purer], make_teacher: Callable[..., Any]
) -> None:
    many = tuple(f"class {index}" for index in range(300))
    pool = Pool(tuple(make_teacher(name, class_names=many) for name in "ab"))
    algorithm = make(pool=pool, memory_mb=1)
    assert len(algorithm.images.of_class) == 2**20 // (3 * 4 * 4 * 3 * 16 * 16)


def test_a_learner_of_larger_images_is_shown_them_enlarged(make: Callable[..., Purer]) -> None:
    assert make(picture_size=16).learner.spec.image_size == 16
    algorithm = make(picture_size=16, learner_image_size=24)
    assert algorithm.learner.spec.image_size == 24
    assert {pixels.shape[-1] for pixels in algorithm.images.of_class} == {16}
    reports = list(train(algorithm))
    assert reports[-1].recovered.query_images.shape[-1] == 16
    algorithm.meta_learner()


def test_a_task_has_no_more_classes_than_its_teacher_knows(
    make: Callable[..., Purer], make_teacher: Callable[..., Any]
) -> None:
    names = ("cat", "dog"), ("owl", "fox", "bee")
    pool = Pool(tuple(make_teacher(n, class_names=r) for n, r in zip("ab", names, strict=True)))
    algorithm = make(pool=pool, n_way=5)
    assert sorted(task.n_way for task in algorithm._tasks()) == [2, 3]
    assert {report.recovered.n_way for report in train(algorithm)} <= {2, 3}


@pytest.mark.parametrize(("merge", "n_classes"), [(True, 5), (False, 10)])
def test_classes_of_one_name_share_their_images_unless_told_otherwise(
    make: Callable[..., Purer], merge: bool, n_classes: int
) -> None:
    assert len(make(merge_classes=merge).images.of_class) == n_classes


def test_augmented_episodes_are_changed_pictures_and_the_curriculum_sees_none(
    make: Callable[..., Purer], monkeypatch: pytest.MonkeyPatch
) -> None:
    algorithm = make(augmentation=1.0, episodes_per_step=1)
    seen, original = list[Episode](), Replay.loss

    def watched(self: Replay, learner: Network, episodes: Sequence[Episode]) -> EpisodeLoss:
        seen.extend(episodes)
        return original(self, learner, episodes)

    monkeypatch.setattr(Replay, "loss", watched)
    algorithm.shape_images(harder=True)
    state = algorithm.rng.get_state()
    algorithm.learn()
    algorithm.rng.set_state(state)
    plain = algorithm._episode()
    changed = algorithm.images.unit(seen[1].support_images)
    assert changed.min() >= -1e-6 and changed.max() <= 1 + 1e-6
    assert not torch.allclose(changed, algorithm.images.unit(plain.support_images).clamp(0, 1))
    assert seen[0].support_images.min() < -2  # noise, as it lies in the images


def test_a_recovered_episode_is_made_of_pictures(make: Callable[..., Purer]) -> None:
    episode = next(train(make())).recovered
    assert episode.n_way == 3
    assert episode.support_images.min() >= 0 and episode.query_images.max() <= 1
    assert len(episode.support_labels) == 3 and len(episode.query_labels) == 9


def test_the_learner_can_start_from_the_average_of_the_models_that_fit_it(
    make: Callable[..., Purer],
) -> None:
    algorithm = make(initialisation="average")
    teachers = algorithm.pool.teachers[:2]
    name = "blocks.1.conv.weight"
    mean = torch.stack([t.network.get_parameter(name) for t in teachers]).mean(0)
    assert torch.allclose(algorithm.learner.get_parameter(name), mean)
    with pytest.raises(InvalidPool, match="no two models"):
        make(initialisation="average", learner_width=5)


def test_where_possible_the_published_preset_starts_from_the_average_and_else_says_so(
    make: Callable[..., Purer],
) -> None:
    algorithm = make(preset="published")
    mean = make(initialisation="average").learner.blocks[1].conv.weight
    assert torch.equal(algorithm.learner.blocks[1].conv.weight, mean)
    assert algorithm.copied_teachers() == (0, 1) and algorithm.notices() == []
    alone = make(preset="published", learner_width=5)
    assert alone.copied_teachers() == ()
    assert "starts from random weights" in alone.notices()[0]
    assert torch.equal(flat(alone.learner), flat(make(learner_width=5).learner))


@pytest.mark.parametrize("inner_steps", [1, 3])
def test_the_learner_adapts_with_as_many_inner_steps_as_it_was_trained_with(
    make: Callable[..., Purer], inner_steps: int
) -> None:
    algorithm = make(preset="published", inner_steps=inner_steps)
    defaults = algorithm.meta_learner().defaults
    assert (defaults.head, defaults.inner_steps) == ("sgd", inner_steps)
    assert defaults.batchnorm == "transductive"
    assert make().meta_learner().defaults.batchnorm == "inductive"
    assert defaults.calibrate == "icfil"


def test_the_finished_learner_has_statistics_of_the_images(make: Callable[..., Purer]) -> None:
    algorithm = make(calibrate="icfil")
    list(train(algorithm))
    learner = algorithm.meta_learner()
    batch = torch.cat(list(algorithm.images.of_class)).detach()
    with torch.no_grad():
        outputs = learner.network.blocks[0].conv(batch)
    assert torch.allclose(
        learner.network.blocks[0].norm.running_mean, outputs.mean((0, 2, 3)), atol=1e-4
    )
    assert learner.defaults.calibrate == "icfil"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"images_per_class": 2}, "needs 3 images of a class and there are 2"),
        ({"images_per_class": 500, "picture_size": 24, "memory_mb": 1}, "raise memory_mb"),
        ({"most_classes": 2}, "needs 3 classes and most_classes is 2"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_in_one_sentence(
    make: Callable[..., Purer], settings: dict[str, int], message: str
) -> None:
    with pytest.raises(InvalidSetting, match=message) as caught:
        make(**settings)
    assert str(caught.value).rstrip(".").count(". ") == 0
