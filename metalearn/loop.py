"""The outer loop of every algorithm, written once."""

from collections.abc import Iterator

from metalearn.algorithm import Algorithm, StepReport


def train(algorithm: Algorithm) -> Iterator[StepReport]:
    """Take outer steps until none are left, handing back a report after each.

    Between two reports the algorithm is at rest: the caller may save its state_dict(),
    show the report, or stop the run by no longer iterating.
    """
    while algorithm.steps_done < algorithm.total_steps:
        report = algorithm.step()
        algorithm.steps_done += 1
        yield report
