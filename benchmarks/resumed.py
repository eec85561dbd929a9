"""Check that a run on a pool of real models stays within its memory and resumes exactly.

`python -m benchmarks.resumed POOL_DIR ALGORITHM [--preset NAME] [--set KEY=VALUE ...]`

Trains to the end and prints the process's peak memory and processor time. Then it trains half of
the steps, copies the state into a new algorithm and continues there. Exits with 1 if the two
learners differ in any bit. Settings shorten long runs: `--set warm_up_steps=2 outer_steps=2`.
"""

import argparse
import copy
import itertools
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from metalearn.algorithm import Algorithm, train
from metalearn.checkpoint import read_pool
from metalearn.cli.train import parse_settings
from metalearn.pool import Pool
from metalearn.registry import make_algorithm
from metalearn.settings import PRESET


@dataclass(frozen=True)
class Run:
    pool: Pool
    algorithm: str
    settings: dict[str, object]

    def make(self) -> Algorithm:
        cpu = torch.device("cpu")
        return make_algorithm(self.algorithm, self.pool, self.settings, device=cpu, seed=0)

    def never_stopped(self) -> Algorithm:
        return _finished(self.make())

    def stopped_halfway(self) -> Algorithm:
        """Return a run that was resumed from another one's state."""
        first = self.make()
        for _ in itertools.islice(train(first), (first.total_steps + 1) // 2):
            pass
        second = self.make()
        second.load_state_dict(copy.deepcopy(first.state_dict()))
        return _finished(second)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train twice and compare; return 0 if both learners are equal."""
    parser = argparse.ArgumentParser(description="Memory of a run, and whether it resumes.")
    parser.add_argument("pool", type=Path, metavar="POOL_DIR")
    parser.add_argument("algorithm", metavar="ALGORITHM")
    parser.add_argument("--preset", metavar="NAME")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    options = parser.parse_args(arguments)
    preset = {PRESET: options.preset} if options.preset else {}
    run = Run(read_pool(options.pool), options.algorithm, preset | parse_settings(options.set))
    started = time.process_time()
    whole = run.never_stopped()
    spent = time.process_time() - started
    print(
        f"{whole.run_title} on {len(run.pool)} models: {whole.total_steps} steps, "
        f"{spent:,.0f} processor s, at most {_peak_mb():,} MB",
        flush=True,
    )
    resumed = run.stopped_halfway()
    equal = same_weights(whole, resumed)
    print(f"stopped after half of them and resumed: {'equal' if equal else 'NOT EQUAL'}")
    return 0 if equal else 1


def same_weights(one: Algorithm, two: Algorithm) -> bool:
    weights, others = (run.meta_learner().network.state_dict() for run in (one, two))
    return all(torch.equal(weights[name], others[name]) for name in weights)


def _finished(algorithm: Algorithm) -> Algorithm:
    for _ in train(algorithm):
        pass
    return algorithm


def _peak_mb() -> int:
    unit = 1 if sys.platform == "darwin" else 1_024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 2**20


if __name__ == "__main__":
    sys.exit(main())
