"""Results of a suite: one JSON object per line, with a key that covers all its inputs.

Existing rows are not measured again, so an interrupted suite resumes where it stopped.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metalearn.errors import InvalidData

Row = dict[str, Any]
REFERENCE = "reference"
"""Kind of the rows without an algorithm; the others are training, evaluation and refused."""


@dataclass(frozen=True)
class SuiteRow:
    row: Row
    fresh: bool


def row_key(inputs: Mapping[str, object]) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the inputs' JSON."""
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class RowFile:
    """The rows of a JSON-lines file. `append` writes immediately."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows = {row["key"]: row for row in self._read()}

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def __getitem__(self, key: str) -> Row:
        return self._rows[key]

    def of_kind(self, kind: str) -> Iterator[Row]:
        return (row for row in self._rows.values() if row["kind"] == kind)

    def append(self, row: Row) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)
        self._rows[row["key"]] = row

    def forget(self, labels: Collection[str]) -> None:
        """Remove the rows of these labels, also from the file, so that they are measured again."""
        kept = [row for row in self._rows.values() if row.get("label") not in labels]
        lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in kept)
        whole = self.path.with_suffix(".new")
        whole.write_text("".join(lines), encoding="utf-8")
        whole.replace(self.path)
        self._rows = {row["key"]: row for row in kept}

    def _read(self) -> list[Row]:
        if not self.path.exists():
            return []
        text = self.path.read_text(encoding="utf-8")
        whole, _, torn = text.rpartition("\n")
        if torn:
            # A killed process leaves an incomplete line, which would corrupt the next one.
            self.path.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
        # splitlines would also split at other separators, which names may contain.
        lines = whole.split("\n") if whole else []
        return [self._parse(number, line) for number, line in enumerate(lines, 1)]

    def _parse(self, number: int, line: str) -> Row:
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not {"key", "kind"} <= set(row):
            raise InvalidData(
                f"Line {number} of “{self.path}” is not a row; remove the line or the file."
            )
        return row
