"""Everything that is in storage."""

from pathlib import Path

from django.core.files.base import ContentFile

from marketplace import storage
from marketplace.operations.stored_files import stored_keys


def test_keys_are_sorted_and_found_below_their_prefix(own_files: Path) -> None:
    for key in ("learners/b/config.json", "learners/a/card/README.md", "incoming/x"):
        storage.put_stream(key, ContentFile(b"x"))
    below = ["learners/a/card/README.md", "learners/b/config.json"]
    assert list(stored_keys()) == ["incoming/x", *below]
    assert list(stored_keys("learners/")) == below
    assert list(stored_keys("nothing/")) == []


def test_files_of_unfinished_writes_are_left_out(own_folder: Path) -> None:
    storage.put_stream("a/b", ContentFile(b"x"))
    (own_folder / "files" / "a" / ".part-1").write_bytes(b"y")
    assert list(stored_keys()) == ["a/b"]
