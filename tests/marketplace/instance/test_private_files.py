"""Other users of the machine read nothing of an instance."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.instance.private_files import open_data_folder


@pytest.fixture(autouse=True)
def _usual_mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_the_folder_and_what_is_written_from_then_on_are_closed(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "var"
    open_data_folder(folder)
    (folder / "database").write_text("hashes")
    (folder / "files").mkdir()
    assert mode(folder) == mode(folder / "files") == 0o700
    assert mode(folder / "database") == 0o600


def test_an_older_folder_is_closed_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    (folder / "files" / "models").mkdir(parents=True)
    (folder / "freehold.sqlite3").write_text("hashes")
    (folder / "files" / "models" / "run").write_text("a script")
    (folder / "files" / "models" / "run").chmod(0o755)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not the instance's")
    (folder / "away").symlink_to(elsewhere)
    folder.chmod(0o775)
    open_data_folder(folder)
    assert mode(folder) == mode(folder / "files" / "models") == 0o700
    assert mode(folder / "freehold.sqlite3") == 0o600
    assert mode(folder / "files" / "models" / "run") == 0o700
    assert mode(elsewhere) == 0o644


def test_a_folder_that_is_closed_already_is_not_walked(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o700)
    (folder / "shared-on-purpose").write_text("")
    open_data_folder(folder)
    assert mode(folder / "shared-on-purpose") == 0o644


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    folder.chmod(0o777)
    open_data_folder(folder)
    (folder / "database").write_text("hashes")
    assert mode(folder) == 0o777 and mode(folder / "database") == 0o600
