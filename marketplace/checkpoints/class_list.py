"""A model's class names, of which there can be ten thousand: some of them, or those that match."""

from collections.abc import Sequence

SHOWN = 100
"""How many a model's page and a list of the API have; the rest is asked for."""
PER_PAGE = 500
MOST_INLINE = 1_000
"""With more, what a page's script needs of them it fetches."""


def classes_matching(names: Sequence[str], text: str) -> list[tuple[int, str]]:
    """The names that contain the text, each with the number of its output, counted from 0."""
    wanted = text.strip().casefold()
    return [(number, name) for number, name in enumerate(names) if wanted in name.casefold()]
