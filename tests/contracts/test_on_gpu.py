"""Every algorithm on a CUDA device; `make test-gpu` runs these where there is one."""

from typing import Any

import pytest
import torch

from metalearn.algorithm import train
from tests.contracts.test_every_algorithm import NAMES, leaves, make, round_trip

CUDA = torch.device("cuda")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_there_goes_on_from_a_snapshot_and_its_learner_is_finite(name: Any) -> None:
    first = make(name, device=CUDA)
    for report in train(first):
        if report.step == max(1, report.total_steps // 2):
            break
    saved = round_trip(first.state_dict())
    # A snapshot is read into the main memory, whatever device it came from.
    elsewhere = {path: leaf.cpu() for path, leaf in leaves(saved) if torch.is_tensor(leaf)}
    run = make(name, device=CUDA)
    run.load_state_dict(_with(saved, elsewhere))
    assert run.steps_done == first.steps_done
    for report in train(run):
        assert all(isinstance(value, float) for value in report.metrics.values())
    network = run.meta_learner().network
    assert all(torch.isfinite(weight).all() for weight in network.state_dict().values())


def _with(node: Any, tensors: Any, path: Any = "") -> Any:
    """The same structure with other tensors."""
    if isinstance(node, dict):
        return {key: _with(value, tensors, f"{path}/{key}") for key, value in node.items()}
    if isinstance(node, list):
        return [_with(value, tensors, f"{path}/{index}") for index, value in enumerate(node)]
    return tensors.get(path, node)
