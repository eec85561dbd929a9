"""What is said of memory and time before a run holds, for every algorithm."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.declared import DeclaredFile
from metalearn.checkpoint import make_teacher, write_pool_entry
from metalearn.networks import NetworkSpec, build_network
from metalearn.registry import all_algorithms

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the peak"),
]

SETTINGS = {
    "free": {"warm_up_steps": 2, "outer_steps": 4},
    "free_plus": {"warm_up_steps": 2, "outer_steps": 4, "replay_steps": 20},
    "purer": {"outer_steps": 20},
    "chorus": {"outer_steps": 4},
    "dro": {"outer_steps": 60},
}
RUN = """
import json, sys, time
from pathlib import Path
import torch
from metalearn.numerics.allocator import keep_freed_memory
from metalearn.checkpoint import read_pool
from metalearn.planning.forecast import Plan
from metalearn.algorithm import train
from metalearn.registry import algorithm_named
from metalearn.pool.network_cache import NetworkCache

keep_freed_memory()
torch.set_num_threads(1)
kind = algorithm_named(sys.argv[1])
config = kind.Config(**json.loads(sys.argv[3]))
pool = read_pool(Path(sys.argv[2]), cache=NetworkCache(2**30))
told = Plan.of(kind, pool, config, torch.device("cpu")).forecast()
algorithm = kind(pool, config, device=torch.device("cpu"), seed=0)
start = time.process_time()
for _ in train(algorithm):
    pass
algorithm.meta_learner()
seconds = time.process_time() - start
status = Path("/proc/self/status").read_text()
peak_mb = int(status.split("VmHWM:")[1].split()[0]) / 1_024
found = {"peak_mb": peak_mb, "memory_mb": told.memory_mb}
print(json.dumps(found | {"told_s": told.seconds, "seconds": seconds}))
"""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pool")
    for index in range(4):
        with torch.random.fork_rng():
            # Of one origin, so that they are relatives too.
            torch.manual_seed(0)
            network = build_network(NetworkSpec("conv4", 32, 3, 32, 5))
            torch.manual_seed(index)
            for parameter in network.parameters():
                parameter.data += 0.1 * parameter.std() * torch.randn_like(parameter)
        declared = DeclaredFile(
            name=f"model_{index}",
            image_size=32,
            mean=(0.5,) * 3,
            std=(0.25,) * 3,
            class_names=tuple("abcde"),
        )
        write_pool_entry(folder, make_teacher(network.state_dict(), declared))
    return folder


@pytest.mark.parametrize("name", sorted(all_algorithms()))
def test_memory_and_time_are_what_was_said(name: Any, pool: Any) -> None:
    settings = json.dumps(SETTINGS.get(name, {}))
    command = [sys.executable, "-c", RUN, name, str(pool), settings]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=True)
    told = json.loads(done.stdout)
    assert told["memory_mb"] / 1.5 < told["peak_mb"] < told["memory_mb"] * 1.5, told
    # Runs of a moment are all set-up, which is not counted.
    assert told["told_s"] / 2 - 1 < told["seconds"] < told["told_s"] * 2 + 3, told
