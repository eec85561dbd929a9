"""What a model must fulfil before it becomes a teacher, one check after the other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from metalearn.checkpoint import checks
from metalearn.checkpoint.checks import CHECKS, Candidate, check_forward
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec
from metalearn.pool import Teacher

GOOD = Candidate(
    tensors={"w": torch.ones(2, 3), "n.running_var": torch.ones(3), "table": torch.arange(4)},
    spec=NetworkSpec("conv4", 4, 3, 32, 2),
    expected={
        "w": (2, 3),
        "n.running_var": (3,),
        "n.num_batches_tracked": (),
        "table": (4,),
    },
    tables={"table": torch.arange(4)},
    channels=None,
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.2, 0.2),
    class_names=("cat", "dog"),
)


def with_tensor(name: str, tensor: torch.Tensor) -> Candidate:
    return replace(GOOD, tensors={**GOOD.tensors, name: tensor})


def test_a_model_without_counters_passes_every_check() -> None:
    for check in CHECKS:
        check(GOOD)


@pytest.mark.parametrize(
    ("check", "candidate", "says"),
    [
        (checks.check_names, replace(GOOD, tensors={}), "“w” is missing"),
        (checks.check_names, with_tensor("x\n", torch.ones(1)), "“x\ufffd” does not belong"),
        (checks.check_shapes, with_tensor("w", torch.ones(3, 2)), r"\[3, 2\] instead of \[2, 3\]"),
        (checks.check_kinds, with_tensor("w", torch.ones(2, 3).int()), "dtype int32"),
        (checks.check_kinds, with_tensor("n.num_batches_tracked", torch.ones(())), "dtype float32"),
        (checks.check_tables, with_tensor("table", torch.zeros(4)), "differs from the one"),
        (checks.check_finite, with_tensor("w", torch.tensor(float("nan"))), "NaN or infinite"),
        (checks.check_finite, with_tensor("w", torch.tensor(1e300).double()), "NaN or infinite"),
        (checks.check_variances, with_tensor("n.running_var", -torch.ones(3)), "negative"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(
    check: Callable[[Candidate], None], candidate: Candidate, says: str
) -> None:
    with pytest.raises(InvalidCheckpoint, match=says):
        check(candidate)


@pytest.mark.parametrize(
    ("check", "change", "says"),
    [
        (checks.check_channels, {"spec": replace(GOOD.spec, channels=2)}, "takes 2 channels"),
        (checks.check_channels, {"channels": 1}, "but 1 were given"),
        (checks.check_normalisation, {"mean": (0.5,)}, "1 values for 3 channels"),
        (checks.check_normalisation, {"std": (0.2, 0.2, 0.0)}, "must be positive"),
        (checks.check_normalisation, {"mean": (0.5, 0.5, float("inf"))}, "ordinary numbers"),
        (checks.check_class_names, {"class_names": ("cat",)}, "2 outputs, but 1 class names"),
        (checks.check_class_names, {"class_names": ("cat", "cat")}, "the same name"),
        (checks.check_class_names, {"class_names": ("cat", " ")}, "is empty, too long"),
    ],
)
def test_what_a_person_said_wrongly_is_refused(
    check: Callable[[Candidate], None], change: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidCheckpoint, match=says):
        check(replace(GOOD, **change))


def test_a_network_whose_outputs_leave_all_bounds_is_refused(teacher: Teacher) -> None:
    check_forward(teacher)
    with torch.no_grad():
        teacher.network.output_layer.weight.fill_(1e12)
    with pytest.raises(InvalidCheckpoint, match="not finite or far too large"):
        check_forward(teacher)
