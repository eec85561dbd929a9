"""Weights that would end a job are refused when the file is validated."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from metalearn.checkpoint.behaviour import check_behaviour
from metalearn.checkpoint.checks import check_forward
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec, build_network
from metalearn.pool import Teacher

State = dict[str, Tensor]


def teacher_with(damage: Callable[[State], None]) -> Teacher:
    """Return a Conv4 with ordinary statistics, damaged."""
    spec = NetworkSpec("conv4", width=16, n_classes=5, image_size=32, channels=3)
    torch.manual_seed(0)
    network = build_network(spec)
    state = network.state_dict()
    damage(state)
    network.load_state_dict(state)
    names = tuple(f"class {index}" for index in range(5))
    return Teacher("crafted", network, (0.5,) * 3, (0.25,) * 3, names)


def named(state: State, ending: str) -> list[Tensor]:
    found = [tensor for name, tensor in state.items() if name.endswith(ending)]
    assert found
    return found


def zeros(state: State) -> None:
    for tensor in state.values():
        tensor.zero_()


def huge_variance(state: State) -> None:
    named(state, "running_var")[0].fill_(1e30)


def huge_mean(state: State) -> None:
    named(state, "running_mean")[-1].fill_(1e25)


def one_huge_variance(state: State) -> None:
    """Of one channel, so that outputs are usual and the distance of the statistics overflows."""
    named(state, "running_var")[0][0] = 1e30


def denormal(state: State) -> None:
    for tensor in named(state, "weight"):
        tensor.mul_(1e-42)


def overflow_in_batch_norm(state: State) -> None:
    named(state, "running_var")[-1].fill_(0)
    for layer in range(4):
        named(state, "weight")[2 * layer].mul_(1e12)


def bright_pictures_overflow(state: State) -> None:
    """The first filter answers to pictures that are white nearly everywhere, and to no other."""
    weights = named(state, "weight")
    weights[0][0].fill_(1.0)
    biases = named(state, "bias")
    biases[0][0] = -50.0
    named(state, "running_mean")[0][0] = 0.0
    weights[1][0] = 1e38


def no_weight_of_the_head(state: State) -> None:
    named(state, "weight")[-1].zero_()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (zeros, "same outputs for every picture"),
        (huge_variance, "statistics are far too large"),
        (huge_mean, "statistics are far too large"),
        (one_huge_variance, "statistics are far too large"),
        (denormal, "same outputs for every picture"),
        (overflow_in_batch_norm, "not all finite"),
        (bright_pictures_overflow, "not all finite"),
        (no_weight_of_the_head, "same outputs for every picture"),
    ],
)
def test_crafted_weights_are_refused_in_a_sentence(
    damage: Callable[[State], None], reason: str
) -> None:
    with pytest.raises(InvalidCheckpoint, match=reason):
        check_behaviour(teacher_with(damage))


def test_an_ordinary_model_passes() -> None:
    check_behaviour(teacher_with(lambda state: None))


def test_gradients_that_are_not_finite_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = teacher_with(lambda state: None)

    def steep(images: Tensor) -> Tensor:
        # The square root has an infinite slope where a picture is black.
        return images.flatten(1).sqrt()[:, :5] + images.mean((1, 2, 3)).unsqueeze(1)

    monkeypatch.setattr(Teacher, "logits", lambda self, images: steep(images * (images > 0.3)))
    with pytest.raises(InvalidCheckpoint, match="gradients"):
        check_behaviour(teacher)


def test_a_model_that_fails_on_white_alone_looks_right_on_noise() -> None:
    check_forward(teacher_with(bright_pictures_overflow))
