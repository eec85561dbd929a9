"""The steps of an adaptation as ONNX graphs, so that a browser can take them by itself.

Forward, backward and update of a step are traced from the very functions that adapt on the
server, and written with operators that an inference runtime has. Weights and running statistics
are inputs: a graph depends on the architecture alone. `docs/browser.md` tells more.
"""

from metalearn.browser_graphs.conversion import NotForBrowsers
from metalearn.browser_graphs.graphs import Graph, NetworkTensors, make_graphs

__all__ = ["Graph", "NetworkTensors", "NotForBrowsers", "make_graphs"]
