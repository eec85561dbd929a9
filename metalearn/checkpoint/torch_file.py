"""The two layouts of `torch.save`, zip and legacy, read without torch's unpickler."""

import sys

from metalearn.checkpoint.export_file import in_one_folder, read_exported
from metalearn.checkpoint.foreign import Kind
from metalearn.checkpoint.limits import MAX_PICKLE_BYTES, MAX_TENSORS
from metalearn.checkpoint.modules import is_module
from metalearn.checkpoint.pickle_machine import PickleMachine
from metalearn.checkpoint.pickle_values import (
    Global,
    Record,
    StorageRef,
    Value,
    damaged,
    storage_ref,
)
from metalearn.checkpoint.printable import STATE_DICT, shown
from metalearn.checkpoint.source import Source
from metalearn.checkpoint.tensors import ReadStorage
from metalearn.checkpoint.zip_reader import Entry, read_entry, read_zip
from metalearn.errors import InvalidCheckpoint

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_SMALL = frozenset(
    {
        *("byteorder", "version", ".format_version", ".storage_alignment"),
        *(".data/serialization_id", ".data/version"),
    }
)
_MAX_SMALL_BYTES = 128
# Members that TorchScript writes besides the weights; none of them is read.
_SCRIPT = ("code/", "constants", "traced_inputs", "extra/", "bytecode", "attributes")


def read_torch_zip(source: Source) -> tuple[Value, ReadStorage]:
    """Return a zip file's pickled value, and a function that reads its storages."""
    kind, found = read_zip(source)
    if kind == "export":
        return read_exported(source, in_one_folder(found))
    entries = _members(found, kind)
    if entries["data.pkl"].size > MAX_PICKLE_BYTES:
        raise damaged("it is far too long")
    _check_small_members(source, entries)
    used: dict[str, StorageRef] = {}

    def persistent_load(identity: Value) -> Value:
        ref = _persistent_storage(identity, length=5)
        entry = entries.get(f"data/{ref.key}")
        if entry is None or entry.size != ref.n_bytes:
            raise damaged(f"the bytes of storage “{shown(ref.key)}” are missing or too few")
        return _only_one(used, ref)

    machine = PickleMachine(bytes(read_entry(source, entries["data.pkl"])), persistent_load)
    value = machine.run()
    if machine.at != entries["data.pkl"].size:
        raise damaged("bytes follow its end")
    unused = {name for name in entries if name.startswith("data/")} - {f"data/{k}" for k in used}
    if unused:
        raise damaged(f"no tensor uses the bytes “{shown(min(unused))}”")
    if kind == "script" and not (isinstance(value, Record) and is_module(value)):
        raise InvalidCheckpoint(
            "The file has the members of a TorchScript program, but no program; upload "
            "torch.save(model.state_dict(), …) instead."
        )
    return value, lambda ref: read_entry(source, entries[f"data/{ref.key}"])


def read_torch_legacy(source: Source) -> tuple[Value, ReadStorage]:
    """Read the format from before torch 1.6: five pickles, then the raw storages."""
    used: dict[str, StorageRef] = {}

    def persistent_load(identity: Value) -> Value:
        if isinstance(identity, tuple) and identity[:1] == ("module",):
            return _module_class(identity)
        return _only_one(used, _persistent_storage(identity, length=6))

    machine = PickleMachine(bytes(source.head(MAX_PICKLE_BYTES)), persistent_load)
    if machine.run() != _LEGACY_MAGIC:
        raise InvalidCheckpoint(
            f"The file is a pickle, but not one that torch.save wrote; upload {STATE_DICT}."
        )
    protocol, system = machine.run(), machine.run()
    if protocol != _LEGACY_PROTOCOL or not isinstance(system, dict):
        raise damaged("its version is not known")
    if system.get("little_endian") is not True:
        raise InvalidCheckpoint(_big_endian())
    value, keys = machine.run(), machine.run()
    offsets = _legacy_offsets(source, machine.at, keys=keys, used=used)
    return value, lambda ref: source.read(offsets[ref.key], ref.n_bytes)


def _members(entries: dict[str, Entry], kind: Kind) -> dict[str, Entry]:
    members = in_one_folder(entries)
    for name in members:
        storage = name.removeprefix("data/")
        known = name == "data.pkl" or name in _SMALL
        known = known or (kind == "script" and name.startswith(_SCRIPT))
        if not known and not (name != storage and storage.isascii() and storage.isdigit()):
            raise damaged(f"it has an unexpected member “{shown(name)}”")
    if "data.pkl" not in members:
        raise damaged("the pickle itself is missing")
    return members


def _check_small_members(source: Source, entries: dict[str, Entry]) -> None:
    for name in _SMALL & set(entries):
        if entries[name].size > _MAX_SMALL_BYTES:
            raise damaged(f"its member “{name}” is too long")
        content = bytes(read_entry(source, entries[name]))
        if name == "byteorder" and content != sys.byteorder.encode():
            raise InvalidCheckpoint(_big_endian())


def _big_endian() -> str:
    return (
        "The file was written on a computer with another byte order; "
        "save it again on an ordinary one."
    )


def _persistent_storage(identity: Value, *, length: int) -> StorageRef:
    if not isinstance(identity, tuple) or not identity:
        raise damaged("a storage is not described the way torch does")
    if len(identity) != length or identity[0] != "storage":
        raise damaged("a storage is not described the way torch does")
    if length == 6 and identity[5] is not None:
        raise damaged("a storage is part of another one")
    return storage_ref(identity[1], identity[2], identity[4])


def _module_class(identity: tuple[Value, ...]) -> Value:
    """Return the class in (“module”, class, file, source); the source is dropped."""
    if len(identity) != 4 or not isinstance(identity[1], Global):
        raise damaged("a class is not described the way torch does")
    return identity[1]


def _only_one(used: dict[str, StorageRef], ref: StorageRef) -> StorageRef:
    known = used.setdefault(ref.key, ref)
    if known != ref:
        raise damaged(f"storage “{shown(ref.key)}” is described in two ways")
    if len(used) > 4 * MAX_TENSORS:
        raise damaged("it has far too many storages")
    return known


def _legacy_offsets(
    source: Source, at: int, *, keys: Value, used: dict[str, StorageRef]
) -> dict[str, int]:
    """Return where each storage begins: 8 bytes of length, then its bytes, up to the file's end."""
    if not isinstance(keys, list) or not all(type(key) is str for key in keys):
        raise damaged("its list of storages is not a list of texts")
    if len(set(keys)) != len(keys) or set(keys) != set(used):
        raise damaged("its list of storages does not fit its tensors")
    offsets = {}
    for key in keys:
        ref = used[key]
        itemsize = ref.dtype.itemsize if ref.dtype else 1
        count = int.from_bytes(source.read(at, 8), "little")
        if count * itemsize != ref.n_bytes:
            raise damaged(f"the bytes of storage “{shown(key)}” are missing or too few")
        offsets[key] = at + 8
        at += 8 + ref.n_bytes
    if at != source.size:
        raise InvalidCheckpoint(
            "The file is cut off, or bytes follow its end; save it again with torch.save."
        )
    return offsets
