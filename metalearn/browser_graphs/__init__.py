"""The steps of an adaptation as ONNX graphs, for adapting in the browser.

Forward, backward and update of a step are traced from the functions that adapt on the server.
Weights and running statistics are inputs, so a graph depends only on the architecture. See
`docs/browser.md`.
"""

from metalearn.browser_graphs.conversion import NotForBrowsers
from metalearn.browser_graphs.graphs import Graph, NetworkTensors, make_graphs

__all__ = ["Graph", "NetworkTensors", "NotForBrowsers", "make_graphs"]
