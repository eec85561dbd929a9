"""What a function returned while a test looked on."""

from collections.abc import Callable
from typing import Any


def recorded(function: Callable[..., Any], results: list[Any]) -> Callable[..., Any]:
    """The same function, which also appends every result to the list."""

    def recording(*args: Any, **kwargs: Any) -> Any:
        results.append(function(*args, **kwargs))
        return results[-1]

    return recording
