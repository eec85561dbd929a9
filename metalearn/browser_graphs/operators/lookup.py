"""Rules for table lookups, such as Swin's relative positions, with gradients."""

from typing import Any

from metalearn.browser_graphs.conversion import Call, NotForBrowsers, rule


@rule("index.Tensor")
def look_up(call: Call) -> str:
    return call.builder.node("Gather", [call.arguments[0], _rows(call.arguments[1])], axis=0)


@rule("index_put.default")
def add_to_rows(call: Call) -> str:
    """Add each gradient to its row; a row that was looked up twice gets the sum."""
    table, indices, values = call.arguments[:3]
    if not call.get(3, False):
        raise NotForBrowsers("Browsers cannot adapt a network that writes into its own tables.")
    builder = call.builder
    rows = builder.node("Unsqueeze", [_rows(indices), builder.integers([-1])])
    return builder.node("ScatterND", [table, rows, values], reduction="add")


def _rows(indices: list[Any]) -> str:
    if len(indices) != 1:
        raise NotForBrowsers("Browsers look tables up by their rows only.")
    return str(indices[0])
