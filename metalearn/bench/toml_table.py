"""Reader for a table of a TOML file, which rejects unknown keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from metalearn.errors import InvalidSetting


class TomlTable:
    """A table and its place in the file. Every error names the key and the place."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = values
        self._where = where
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._values

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text. The key is required if there is no default."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self._odd(key, "must be a text in quotes")
        return value

    def choice(self, key: str, choices: Sequence[str]) -> str:
        value = self.text(key, choices[0])
        if value not in choices:
            raise self._odd(key, f"must be one of {', '.join(choices)}")
        return value

    def flag(self, key: str) -> bool:
        value = self._get(key, False)
        if not isinstance(value, bool):
            raise self._odd(key, "must be true or false")
        return value

    def count(self, key: str, default: int | None, *, low: int = 1) -> int:
        """Return an integer of at least `low`. The key is required if there is no default."""
        value = self._get(key, default)
        if not _is_whole(value) or value < low:
            raise self._odd(key, f"must be a whole number of at least {low}")
        return int(value)

    def counts(self, key: str, default: Sequence[int], *, low: int = 1) -> tuple[int, ...]:
        """Return a non-empty tuple of distinct integers of at least `low`."""
        values = self._get(key, list(default))
        good = isinstance(values, list) and all(_is_whole(v) and v >= low for v in values)
        if not good or not values or len(set(values)) < len(values):
            raise self._odd(key, f"must be a list of different whole numbers of at least {low}")
        return tuple(values)

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return a non-empty tuple of distinct texts. The key is required without a default."""
        values = self._get(key, None if default is None else list(default))
        good = isinstance(values, list) and all(isinstance(value, str) for value in values)
        if not good or not values or len(set(values)) < len(values):
            raise self._odd(key, "must be a list of different texts in quotes")
        return tuple(values)

    def settings(self, key: str) -> dict[str, object]:
        """Return a table of numbers, texts and flags, empty by default."""
        values = self._get(key, {})
        kinds = (int, float, str, bool)
        if not isinstance(values, dict) or not all(isinstance(v, kinds) for v in values.values()):
            raise self._odd(key, "must be a table such as { outer_steps = 20 }")
        return dict(values)

    def tables(self, key: str) -> list["TomlTable"]:
        """Return the tables of [[key]]; there must be at least one."""
        values = self._get(key, None)
        good = isinstance(values, list) and all(isinstance(value, dict) for value in values)
        if not good or not values:
            raise self._odd(key, f"must be given by one or more [[{key}]]")
        return [TomlTable(value, f"[[{key}]] number {i}") for i, value in enumerate(values, 1)]

    def finish(self) -> None:
        """Raise InvalidSetting if a key has not been read."""
        if unknown := sorted(set(self._values) - self._asked):
            known = ", ".join(sorted(self._asked))
            raise InvalidSetting(
                f"{self._where} has the unknown key “{unknown[0][:60]}”; the keys are {known}."
            )

    def _get(self, key: str, default: Any) -> Any:
        self._asked.add(key)
        if key not in self._values and default is None:
            raise self._odd(key, "is missing")
        return self._values.get(key, default)

    def _odd(self, key: str, what: str) -> InvalidSetting:
        return InvalidSetting(f"{self._where}: “{key}” {what}.")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
