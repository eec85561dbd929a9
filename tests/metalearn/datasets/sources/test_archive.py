import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from metalearn.datasets.sources import archive
from metalearn.datasets.sources.archive import members, names
from metalearn.errors import InvalidData
from tests.metalearn.datasets.sources.builders import folder, tar, zipped

FILES = {"a/one.txt": b"1", "a/two.bin": bytes(3000), "b/" + "x" * 150 + ".txt": b"long"}


def everything(path: Path) -> dict[str, bytes]:
    return dict(members(path, lambda _: True))


def test_folders_zips_and_tars_give_the_same_files(tmp_path: Path) -> None:
    for path in (
        folder(tmp_path / "folder", FILES),
        zipped(tmp_path / "a.zip", FILES),
        tar(tmp_path / "a.tgz", FILES),
        tar(tmp_path / "a.tar", {f"./{name}": content for name, content in FILES.items()}, "w"),
    ):
        assert everything(path) == FILES
        assert names(path) == sorted(FILES)
        assert dict(members(path, lambda name: name == "a/one.txt")) == {"a/one.txt": b"1"}


def test_links_and_devices_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as built:
        for kind, name in ((tarfile.SYMTYPE, "link"), (tarfile.LNKTYPE, "hard"),
                           (tarfile.CHRTYPE, "device"), (tarfile.DIRTYPE, "folder")):  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            built.addfile(info)
        info = tarfile.TarInfo("file")
        info.size = 1
        built.addfile(info, io.BytesIO(b"f"))
    assert everything(tmp_path / "a.tar") == {"file": b"f"}
    path = folder(tmp_path / "folder", {"file": b"f"})
    (path / "link").symlink_to("/etc/passwd")
    assert everything(path) == {"file": b"f"}


def test_names_that_lead_elsewhere_are_only_names(tmp_path: Path) -> None:
    files = {"../outside.txt": b"1", "/etc/outside": b"2"}
    for path in (tar(tmp_path / "a.tgz", files), zipped(tmp_path / "a.zip", files)):
        before = sorted(tmp_path.parent.iterdir())
        assert set(everything(path).values()) == {b"1", b"2"}
        assert sorted(tmp_path.parent.iterdir()) == before


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_what_is_cut_off_is_refused(tmp_path: Path, keep: float) -> None:
    noise = {"noise": os.urandom(50_000), "more": os.urandom(50_000)}
    for path in (
        zipped(tmp_path / "a.zip", noise),
        tar(tmp_path / "a.tgz", noise),
        tar(tmp_path / "a.tar", noise, "w"),
    ):
        content = path.read_bytes()
        path.write_bytes(content[: int(keep * len(content))])
        with pytest.raises(InvalidData, match="not a whole zip or tar archive"):
            everything(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b nonsense", b"PK\x03\x04" * 9])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    with pytest.raises(InvalidData, match="does not exist"):
        everything(path)
    path.write_bytes(content)
    with pytest.raises(InvalidData, match="not a whole zip or tar archive"):
        everything(path)


def test_a_file_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 2_999)
    for path in (
        folder(tmp_path / "folder", FILES),
        zipped(tmp_path / "a.zip", FILES),
        tar(tmp_path / "a.tgz", FILES),
    ):
        with pytest.raises(InvalidData, match=r"two\.bin” has 3,000 bytes"):
            everything(path)


def test_archives_that_unfold_without_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 100_000)
    bomb = {f"{index}": bytes(20_000) for index in range(10)}
    for path in (zipped(tmp_path / "a.zip", bomb), tar(tmp_path / "a.tgz", bomb)):
        assert path.stat().st_size < 5_000
        with pytest.raises(InvalidData, match="far more than the data set's own archive"):
            everything(path)
    # Also when nothing of it is wanted: passing over a member unfolds it all the same.
    with pytest.raises(InvalidData, match="unfolds into more than"):
        names(tmp_path / "a.tgz")
    monkeypatch.setattr(archive, "MAX_MEMBERS", 5)
    with pytest.raises(InvalidData, match="more than 5 files"):
        names(tmp_path / "a.zip")


def test_a_name_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 10**9
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(info.tobuf() + bytes(200_000)))
    with pytest.raises(InvalidData, match="not a whole zip or tar archive"):
        names(path)
