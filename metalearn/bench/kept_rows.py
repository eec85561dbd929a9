"""Reports that combine newly measured rows with existing ones."""

from collections.abc import Sequence
from pathlib import Path

from metalearn.bench.rows import REFERENCE, Row, RowFile
from metalearn.bench.suite import Suite

NOT_YET = "It has not been measured yet."


def with_kept_rows(
    suite: Suite, rows_file: Path, measured: Sequence[Row], labels: Sequence[str]
) -> list[Row]:
    """Return the rows of all the suite's labels, in its order; `measured` has those of `labels`.

    The others come from the file, regardless of the code and settings that wrote them; of several
    trainings the last counts. A label without rows becomes a row of kind “refused”.
    """
    file = RowFile(rows_file)
    rows: list[Row] = []
    for pool in suite.pools:
        for label in suite.labels:
            if label in labels:
                mine = [r for r in measured if (r["pool"], r["label"]) == (pool.name, label)]
            else:
                mine = _standing(file, pool.name, label)
            rows += mine or [
                {"kind": "refused", "pool": pool.name, "label": label, "reason": NOT_YET}
            ]
    return rows


def _standing(file: RowFile, pool: str, label: str) -> list[Row]:
    trainings = {row["seed"]: row for row in _of(file, "training", pool, label)}
    keys = {row["key"] for row in trainings.values()}
    judged = [row for row in _of(file, "evaluation", pool, label) if row["training"] in keys]
    references = {
        (row["seed"], row["pack"], row["shot"]): row for row in _of(file, REFERENCE, pool, label)
    }
    return [*trainings.values(), *judged, *references.values()]


def _of(file: RowFile, kind: str, pool: str, label: str) -> list[Row]:
    return [row for row in file.of_kind(kind) if (row["pool"], row["label"]) == (pool, label)]
