"""Unsupported file formats, recognised by first bytes or members and refused by name."""

import re
from collections.abc import Iterable
from typing import Literal

from metalearn.checkpoint.printable import STATE_DICT
from metalearn.checkpoint.source import Source
from metalearn.errors import InvalidCheckpoint

Kind = Literal["torch", "script", "export"]

_MAGIC = (
    (0, b"\x89HDF\r\n\x1a\n", "a Keras or HDF5 file"),
    (0, b"GGUF", "a GGUF file"),
    (0, b"lmgg", "a GGML file"),
    (0, b"tjgg", "a GGJT file"),
    (0, b"fmgg", "a GGMF file"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\x00", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (0, b"\x04\x22\x4d\x18", "an lz4 archive"),
    (0, b"\x93NUMPY", "a NumPy file"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"#!", "a script"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (257, b"ustar", "a tar archive"),
    (512, b"\x89HDF\r\n\x1a\n", "a Keras or HDF5 file"),
)
_ONNX = re.compile(rb"\x08[\x01-\x20](\x12|\x1a|\x22|\x2a|\x3a|\x42)", re.DOTALL)
# In one of a tar archive's first two entries; the first may be the folder itself.
_NEMO = (b"model_config.yaml\0", b"model_weights.ckpt\0")
_ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".tar", ".lz4")
_CHECKPOINTS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".pkl", ".pickle", ".onnx", ".gguf")


def refuse_foreign_file(source: Source) -> None:
    """Raise InvalidCheckpoint, naming the format, if it is known but not supported."""
    head = bytes(source.head(1024))
    if not head:
        raise InvalidCheckpoint(f"The file is empty; upload {STATE_DICT}.")
    _refuse_stand_ins(head)
    if head.startswith(b"ustar", 257) and any(name in head for name in _NEMO):
        _refuse("a NeMo model")
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            _refuse(kind)
    if _ONNX.match(head):
        raise InvalidCheckpoint(
            "The file is an ONNX model, which is not supported; upload "
            "torch.save(model.state_dict(), …) of the PyTorch model that it was exported from."
        )
    if head[:1] in b"{[" and head[8:9] != b"{":
        _refuse("a text file, such as a configuration or an index")


def _refuse_stand_ins(head: bytes) -> None:
    """Refuse what a failed download leaves in place of the file."""
    if head.startswith(b"version https://git-lfs"):
        raise InvalidCheckpoint(
            "The file is a Git LFS pointer, which only stands for the real file; run “git lfs "
            "pull” in the repository and upload the file it fetches."
        )
    if head.lstrip()[:1] == b"<":
        raise InvalidCheckpoint(
            "The file is an HTML or XML page, as returned by a download that needs a login; "
            "download the file itself and upload that."
        )


def archive_kind(names: Iterable[str]) -> Kind:
    """Return which torch function wrote a zip; raise InvalidCheckpoint for any other archive."""
    inner = {name.split("/", 1)[-1] for name in names}
    if "archive_format" in inner:
        return "export"
    if "serialized_exported_program.json" in inner:
        raise InvalidCheckpoint(
            "The file is a program exported by an older torch; write its weights with "
            "torch.save(torch.export.load(path).state_dict, …)."
        )
    if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
        return "script"
    _refuse_foreign_members(sorted(inner))
    if "data.pkl" not in inner:
        _refuse("a zip archive that torch.save did not make")
    return "torch"


def _refuse_foreign_members(names: list[str]) -> None:
    for name in names:
        if name.endswith((".weights.h5", ".keras", ".h5", ".hdf5")):
            _refuse("a Keras model")
        if name.endswith((".npy", ".npz")):
            _refuse("a NumPy archive")
        if name.endswith(_ARCHIVES):
            _refuse("an archive inside an archive")
        if name != "data.pkl" and name.endswith(_CHECKPOINTS):
            _refuse("an archive with a model file inside")


def _refuse(kind: str) -> None:
    if "Keras" in kind:
        raise InvalidCheckpoint(
            f"The file is {kind}; only PyTorch models are supported, so train or rebuild it "
            "in PyTorch and upload torch.save(model.state_dict(), …)."
        )
    raise InvalidCheckpoint(f"The file is {kind}, not a list of weights; upload {STATE_DICT}.")
