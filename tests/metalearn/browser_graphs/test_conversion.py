"""Every operator of a trace becomes nodes by its rule, or the network is not for browsers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from metalearn.browser_graphs import operators  # noqa: F401 - registers the rules
from metalearn.browser_graphs.builder import GraphBuilder
from metalearn.browser_graphs.conversion import NotForBrowsers, convert

FakeRun = Callable[[Tensor], Tensor]


def converted(function: FakeRun, given: Tensor) -> tuple[np.ndarray, list[str]]:
    """What the graph gives, and its operators."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        trace = make_fx(function)(torch.empty(given.shape))
    builder = GraphBuilder(torch.float32)
    (value,) = convert(trace, ["x"], builder)
    model = builder.model([(value, "out", function(given).shape)])
    results: Any = ReferenceEvaluator(model).run(None, {"x": given.numpy()})
    return results[0], [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x * 2 + 1).relu(),
        lambda x: x.sum(0).expand(4, 3) * x,
        lambda x: torch.zeros_like(x) + x.mean(1, keepdim=True),
        lambda x: x.t().reshape(2, 6),
    ],
)
def test_the_graph_gives_what_the_function_gives(function: FakeRun) -> None:
    given = torch.arange(12.0).view(4, 3) - 5
    found, _ = converted(function, given)
    torch.testing.assert_close(torch.from_numpy(np.array(found)), function(given))


def test_what_is_only_stretched_is_written_out_in_full_at_the_end_alone() -> None:
    given = torch.arange(3.0)
    found, nodes = converted(lambda x: (x.expand(4, 3) * 2).clone(), given)
    assert nodes.count("Expand") <= 1
    assert found.shape == (4, 3)


def test_an_operator_without_a_rule_is_named() -> None:
    with pytest.raises(NotForBrowsers, match="no operator for “_fft_r2c”"):
        converted(lambda x: torch.fft.ifft(torch.fft.fft(x)).real, torch.ones(4, 4))
