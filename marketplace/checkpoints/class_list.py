"""A model's class names, of which there can be ten thousand."""

from collections.abc import Sequence

SHOWN = 100
"""Names that a model's page and the API's lists contain."""
PER_PAGE = 500
MOST_INLINE = 1_000
"""Names that a page contains for its script, which fetches larger numbers."""


def classes_matching(names: Sequence[str], text: str) -> list[tuple[int, str]]:
    """Return the names that contain the text, each with its output's index."""
    wanted = text.strip().casefold()
    return [(number, name) for number, name in enumerate(names) if wanted in name.casefold()]
