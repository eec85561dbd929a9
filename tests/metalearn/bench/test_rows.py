from pathlib import Path

import pytest

from metalearn.bench.rows import RowFile, row_key
from metalearn.errors import InvalidData


def test_a_key_depends_on_every_input_but_not_on_their_order() -> None:
    assert row_key({"a": 1, "b": [2]}) == row_key({"b": [2], "a": 1})
    assert row_key({"a": 1, "b": [2]}) != row_key({"a": 1, "b": [3]})


def test_rows_are_found_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rows.jsonl"
    RowFile(path).append({"key": "k", "kind": "training", "label": "é"})
    rows = RowFile(path)
    assert "k" in rows and "other" not in rows
    assert rows["k"]["label"] == "é"


def test_half_a_line_of_a_process_that_was_killed_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"key": "a", "kind": "training"}\n{"key": "b", "ki')
    rows = RowFile(path)
    rows.append({"key": "c", "kind": "training"})
    again = RowFile(path)
    assert "a" in again and "c" in again and "b" not in again


def test_a_line_that_is_no_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    for line in ("nonsense", "[1]", '{"key": "a"}'):
        path.write_text(f'{{"key": "a", "kind": "training"}}\n{line}\n')
        with pytest.raises(InvalidData, match="Line 2"):
            RowFile(path)


def test_names_may_hold_what_looks_like_the_end_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    RowFile(path).append({"key": "k", "kind": "training", "label": "a\u2028b\x85c"})
    assert RowFile(path)["k"]["label"] == "a\u2028b\x85c"


def test_rows_of_some_algorithms_can_be_dropped(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = RowFile(path)
    for key in "ab":
        rows.append({"key": key, "kind": "training", "label": key.upper()})
    rows.forget({"A"})
    assert "b" in rows and "a" not in rows
    again = RowFile(path)
    assert "b" in again and "a" not in again
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
