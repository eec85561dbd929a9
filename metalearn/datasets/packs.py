"""Data packs: one `.npz` file without pickles per class split (contract, “Files”)."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from metalearn.datasets.image_set import ImageSet
from metalearn.datasets.images import decode_image
from metalearn.errors import InvalidData

Arrays = dict[str, NDArray[np.generic]]

_KEYS = ("images", "jpeg", "offsets", "labels", "class_names", "track", "group")


def read_pack(path: Path, *, image_size: int | None = None) -> ImageSet:
    """Read a data pack, at 84 pixels by default if it holds JPEGs; raise InvalidData if invalid."""
    arrays = _load(path)
    if "labels" not in arrays or "class_names" not in arrays:
        raise _odd(path, "it has no labels or class_names")
    class_names = arrays["class_names"]
    labels = arrays["labels"]
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or class_names.dtype.kind != "U":
        raise _odd(path, "its labels are not whole numbers or its class_names not texts")
    if "images" in arrays:
        images = _raw(path, arrays["images"])
    elif "jpeg" in arrays and "offsets" in arrays:
        images = _jpeg(path, arrays, image_size or 84)
    else:
        raise _odd(path, "it has neither images nor jpeg with offsets")
    names = tuple(str(name) for name in class_names.reshape(-1))
    return ImageSet(images, torch.from_numpy(labels.astype(np.int64)), names, _tracks(path, arrays))


def write_pack(data: ImageSet, path: Path) -> None:
    """Write a pack of raw pictures, atomically."""
    arrays = {
        "images": data.images.permute(0, 2, 3, 1).contiguous().numpy(),
        "labels": data.labels.numpy(),
        "class_names": np.array(data.class_names),
    }
    if data.tracks is not None:
        arrays["track"] = data.tracks.numpy()
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _load(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in _KEYS if key in archive.files}
    except FileNotFoundError:
        raise InvalidData(f"“{path}” does not exist; check the path.") from None
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error):
        raise _odd(path, "it is not a complete .npz file without pickles") from None


def _tracks(path: Path, arrays: Arrays) -> torch.Tensor | None:
    """Read `track`, or its synonym `group`, whose values may be texts."""
    if "track" in arrays and "group" in arrays:
        raise _odd(path, "it has both a track and a group; only one of them is read")
    tracks = arrays.get("track", arrays.get("group"))
    if tracks is None:
        return None
    if tracks.ndim != 1 or tracks.dtype.kind not in "iuU":
        raise _odd(path, "its track or group is not a list of whole numbers or texts")
    if tracks.dtype.kind == "U":
        tracks = np.unique(tracks, return_inverse=True)[1]
    return torch.from_numpy(tracks.astype(np.int64))


def _raw(path: Path, images: NDArray[np.generic]) -> torch.Tensor:
    good = images.dtype == np.uint8 and images.ndim == 4 and images.shape[3] in {1, 3}
    if not good or images.shape[1] != images.shape[2]:
        raise _odd(path, "its images are not uint8 of shape (n, size, size, 1 or 3)")
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def _jpeg(path: Path, arrays: Arrays, image_size: int) -> torch.Tensor:
    data, offsets = arrays["jpeg"], arrays["offsets"]
    if data.dtype != np.uint8 or offsets.ndim != 1 or offsets.dtype.kind not in "iu":
        raise _odd(path, "its jpeg or offsets have the wrong kind")
    bounds = [int(offset) for offset in offsets]
    ordered = all(begin <= end for begin, end in zip(bounds, bounds[1:], strict=False))
    if not ordered or not bounds or bounds[0] < 0 or bounds[-1] > len(data):
        raise _odd(path, "its offsets are not inside its jpeg bytes")
    result = torch.empty((len(bounds) - 1, 3, image_size, image_size), dtype=torch.uint8)
    for index, (begin, end) in enumerate(zip(bounds, bounds[1:], strict=False)):
        try:
            result[index] = decode_image(
                data[begin:end].tobytes(), channels=3, image_size=image_size
            )
        except InvalidData as error:
            raise _odd(path, f"picture {index} cannot be read") from error
    return result


def _odd(path: Path, what: str) -> InvalidData:
    return InvalidData(
        f"“{path}” is not a data pack: {what}; see “Data pack” in the documentation."
    )
