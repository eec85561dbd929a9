"""Model folders and zips of them: the weights file and its companions."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from contract.limits import MAX_PARAMETERS
from metalearn.checkpoint.limits import MAX_ZIP_ENTRIES
from metalearn.errors import InvalidCheckpoint

_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_USUAL = ("model.safetensors", "pytorch_model.bin", "best.pt")
_WEIGHTS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pt2")
_FACTS = (".json", ".md", ".txt")
_NOT_WEIGHTS = ("training_args", "optimizer", "scheduler", "rng_state", "scaler")
_SKIPPED = ("__MACOSX", ".DS_Store")
_MAX_BYTES = 8 * MAX_PARAMETERS + 100_000_000
_CHUNK = 1 << 20


@contextmanager
def opened_folder(path: Path, scratch: Path | None = None) -> Iterator[Path | None]:
    """Yield the folder at `path`, unpacking a zip of one, or None for a weights file.

    A zip is unpacked under `scratch`, or the system's temporary folder, and removed at the end.
    """
    if path.is_dir():
        yield path
    elif _is_zip_of_a_folder(path):
        with tempfile.TemporaryDirectory(dir=scratch, prefix="unpacked-") as folder:
            _unpack(path, Path(folder))
            yield _only_folder(Path(folder))
    else:
        yield None


def weights_in(folder: Path) -> Path:
    """Return the weights file or shard index; raise InvalidCheckpoint unless one can be chosen."""
    for name in (*_INDEXES, *_USUAL):
        if (folder / name).is_file():
            return folder / name
    found = [
        file
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in _WEIGHTS and not file.name.startswith((*_NOT_WEIGHTS, "."))
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InvalidCheckpoint(
            "The folder has no file of weights; add model.safetensors or the .pt file."
        )
    names = ", ".join(file.name for file in found[:4])
    raise InvalidCheckpoint(
        f"The folder has several files of weights ({names}); leave one of them in it, or upload "
        "them one by one."
    )


def _is_zip_of_a_folder(path: Path) -> bool:
    try:
        # is_zipfile also raises, for a zip that claims to span several disks.
        if not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return False
    inner = {name.rpartition("/")[2] for name in names[: MAX_ZIP_ENTRIES + 1]}
    by_torch = {"data.pkl", "byteorder", "archive_format"} & inner
    return not by_torch and any(name.lower().endswith(_WEIGHTS) for name in inner)


def _unpack(path: Path, folder: Path) -> None:
    left = _MAX_BYTES
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_ZIP_ENTRIES:
            raise InvalidCheckpoint(
                f"The zip has {len(entries):,} files, more than {MAX_ZIP_ENTRIES:,}; "
                "put only the folder of one model into it."
            )
        for entry in entries:
            name = _plain_name(entry.filename)
            if name is None or entry.is_dir() or entry.flag_bits & 1:
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            left -= _copy(archive, entry, target, left)


def _plain_name(name: str) -> str | None:
    parts = PurePosixPath(name).parts
    odd = name.startswith("/") or "\\" in name or "\0" in name or ".." in parts or len(parts) > 4
    if odd or any(part in _SKIPPED or part.startswith("._") for part in parts):
        return None
    return name if name.lower().endswith((*_WEIGHTS, *_FACTS)) else None


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Extract one entry and return its size; the size it claims is not trusted."""
    written = 0
    try:
        with archive.open(entry) as source, target.open("xb") as file:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > left:
                    raise InvalidCheckpoint(
                        f"The zip unpacks to more than {_MAX_BYTES / 1e9:.1f} GB; "
                        "put only the folder of one model into it."
                    )
                file.write(chunk)
    except (zipfile.BadZipFile, FileExistsError, NotImplementedError, EOFError, OSError) as error:
        if isinstance(error, OSError) and not isinstance(error, FileExistsError):
            raise
        raise InvalidCheckpoint(
            "The zip is damaged or packed in an unusual way; create it again."
        ) from None
    return written


def _only_folder(folder: Path) -> Path:
    while True:
        inside = list(folder.iterdir())
        if len(inside) != 1 or not inside[0].is_dir():
            return folder
        folder = inside[0]
