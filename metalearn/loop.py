"""The outer loop of every algorithm, written once."""

from collections.abc import Iterator

import torch

from metalearn.algorithm import Algorithm, StepReport
from metalearn.randomness import seeded_from

_MANY_STEPS = 1_000_003


def train(algorithm: Algorithm) -> Iterator[StepReport]:
    """Take outer steps until none are left, handing back a report after each.

    Between two reports the algorithm is at rest: the caller may save its state_dict(),
    show the report, or stop the run by no longer iterating.
    """
    while algorithm.steps_done < algorithm.total_steps:
        # Dropout draws from the global generator. Its seed follows from the step, so that a run
        # that goes on draws as one never stopped, and not from the run's generator, so that
        # learners without dropout come out as they always did.
        seed = (algorithm.seed * _MANY_STEPS + algorithm.steps_done) % 2**63
        with seeded_from(torch.Generator().manual_seed(seed)):
            report = algorithm.step()
        algorithm.steps_done += 1
        yield report
