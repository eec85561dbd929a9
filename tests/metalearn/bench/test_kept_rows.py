from pathlib import Path

from metalearn.bench import read_suite
from metalearn.bench.kept_rows import NOT_YET, with_kept_rows
from metalearn.bench.rows import Row, RowFile


def row(key: str, kind: str, label: str, **facts: object) -> Row:
    return {"key": key, "kind": kind, "pool": "tiny", "label": label, "seed": 0, **facts}


def test_rows_that_are_not_measured_stand_as_the_file_has_them(
    suite_file: Path, tmp_path: Path
) -> None:
    file = RowFile(tmp_path / "rows.jsonl")
    file.append(row("a", "training", "FREE"))
    file.append(row("b", "evaluation", "FREE", training="a"))
    file.append(row("c", "training", "nothing learned"))
    new = [row("d", "training", "nothing learned")]
    suite = read_suite(suite_file)
    found = with_kept_rows(suite, file.path, new, ["nothing learned"])
    assert [one["key"] for one in found] == ["d", "a", "b"]


def test_of_several_trainings_the_last_stands(suite_file: Path, tmp_path: Path) -> None:
    file = RowFile(tmp_path / "rows.jsonl")
    for old, new in (("a", "b"), ("c", "d")):
        file.append(row(old, "training", "FREE"))
        file.append(row(new, "evaluation", "FREE", training=old))
    found = with_kept_rows(read_suite(suite_file), file.path, [], [])
    assert [one["key"] for one in found if one["label"] == "FREE"] == ["c", "d"]


def test_what_was_never_measured_is_said_to_be_so(suite_file: Path, tmp_path: Path) -> None:
    found = with_kept_rows(read_suite(suite_file), tmp_path / "rows.jsonl", [], [])
    assert [(one["label"], one["kind"], one["reason"]) for one in found] == [
        ("nothing learned", "refused", NOT_YET), ("FREE", "refused", NOT_YET),
    ]  # fmt: skip
