"""FIVE's outer step: updating the generator from copies fitted to teachers."""

from collections.abc import Sequence

import torch

from metalearn.algorithms.free.settings import FreeSettings
from metalearn.networks.generator import Generator
from metalearn.numerics.gradients import set_gradients
from metalearn.recovery.inversion import Fit, RecoveredTask


def generator_optimiser(generator: Generator, config: FreeSettings) -> torch.optim.Optimizer:
    if config.generator_update == "reptile":
        return torch.optim.SGD(generator.parameters(), lr=config.reptile_rate)
    return torch.optim.Adam(
        generator.parameters(), lr=config.generator_lr, betas=(0.5, 0.999), fused=True
    )


def move_generator(
    generator: Generator,
    optimiser: torch.optim.Optimizer,
    fits: Sequence[Fit],
    config: FreeSettings,
) -> None:
    first_order = config.generator_update == "first_order"
    summed = first_order and config.switches.meta_gradient == "sum"
    share = 1.0 if summed else 1 / len(fits)
    columns = zip(*(fit.direction for fit in fits), strict=True)
    totals = [share * torch.stack(column).sum(0) for column in columns]
    set_gradients(generator.parameters(), totals)
    optimiser.step()


def means_over(recovered: Sequence[RecoveredTask]) -> dict[str, float]:
    names = recovered[0].losses
    means = {name: sum(task.losses[name] for task in recovered) / len(recovered) for name in names}
    hits = sum(task.teacher_accuracy for task in recovered) / len(recovered)
    return means | {"teacher_accuracy": hits}
