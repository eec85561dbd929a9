"""Construction of tensors from their descriptions; every claim is checked against the bytes."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from contract.limits import MAX_PARAMETERS
from metalearn.checkpoint.limits import MAX_TENSORS
from metalearn.checkpoint.pickle_values import StorageRef, TensorRef
from metalearn.checkpoint.printable import shown
from metalearn.errors import InvalidCheckpoint

ReadStorage = Callable[[StorageRef], bytearray]


def check_budget(sizes: Iterable[tuple[int, ...]]) -> None:
    """Raise InvalidCheckpoint if there are too many tensors or elements."""
    count = total = 0
    for size in sizes:
        count += 1
        # Empty tensors count too: torch cannot compute strides for immense dimensions.
        total += _numel(tuple(max(length, 1) for length in size))
    if count > MAX_TENSORS:
        raise InvalidCheckpoint(
            f"The file has {count} tensors, more than the {MAX_TENSORS} that are allowed; "
            "upload the weights of one classifier."
        )
    if total > MAX_PARAMETERS:
        raise InvalidCheckpoint(
            f"The file declares {total:,} numbers, more than the {MAX_PARAMETERS:,} that are "
            "allowed; upload a smaller network."
        )


def materialise(refs: Mapping[str, TensorRef], read_storage: ReadStorage) -> dict[str, Tensor]:
    """Return contiguous tensors; each storage is read once and freed before the next."""
    check_budget(ref.size for ref in refs.values())
    by_storage: dict[str, list[str]] = {}
    for name, ref in refs.items():
        _check_bounds(name, ref)
        by_storage.setdefault(ref.storage.key, []).append(name)
    _check_sharing(refs)
    result: dict[str, Tensor] = {}
    for names in by_storage.values():
        data = read_storage(refs[names[0]].storage)
        for name in names:
            result[name] = _signed(refs[name], _cut(name, refs[name], data))
    return {name: result[name] for name in refs}


def tensor_from_bytes(
    name: str, data: bytearray, dtype: torch.dtype, size: tuple[int, ...]
) -> Tensor:
    """Return a tensor over exactly these bytes, without a copy."""
    if dtype == torch.bool and data.strip(b"\x00\x01"):
        raise InvalidCheckpoint(
            f"The tensor “{shown(name)}” has booleans that are neither true nor false; "
            "the file is damaged, save it again."
        )
    if not data:
        return torch.empty(size, dtype=dtype)
    return torch.frombuffer(data, dtype=dtype).view(size)


def _numel(size: tuple[int, ...]) -> int:
    total = 1
    for length in size:
        total *= length
    return total


def _check_bounds(name: str, ref: TensorRef) -> None:
    """Refuse tensors outside or larger than their storage: 1.6 kB could otherwise claim 4 TB."""
    numel = _numel(ref.size)
    last = _last(ref)
    available = ref.storage.n_bytes // ref.dtype.itemsize
    overlaps = any(
        length > 1 and step == 0 for length, step in zip(ref.size, ref.stride, strict=True)
    )
    if numel and (last >= available or numel > available or overlaps):
        raise InvalidCheckpoint(
            f"The tensor “{shown(name)}” claims {numel:,} numbers, but the file does not have the "
            "bytes for them; save it again with contiguous tensors."
        )
    if not numel and ref.offset > available:
        raise InvalidCheckpoint(
            f"The tensor “{shown(name)}” begins outside of its bytes; save it again."
        )


def _last(ref: TensorRef) -> int:
    return ref.offset + sum(
        (length - 1) * step for length, step in zip(ref.size, ref.stride, strict=True)
    )


def _check_sharing(refs: Mapping[str, TensorRef]) -> None:
    """Refuse excessive sharing: tied weights share bytes, but thousands of views would expand."""
    claimed = sum(_numel(ref.size) * ref.dtype.itemsize for ref in refs.values())
    there = sum({ref.storage.key: ref.storage.n_bytes for ref in refs.values()}.values())
    if claimed > 2 * there:
        raise InvalidCheckpoint(
            f"The tensors claim {claimed:,} bytes, but the file has {there:,} for them; "
            "save it again with contiguous tensors."
        )


def _cut(name: str, ref: TensorRef, data: bytearray) -> Tensor:
    if not _numel(ref.size):
        return torch.empty(ref.size, dtype=ref.dtype)
    itemsize = ref.dtype.itemsize
    start = ref.offset * itemsize
    whole = start == 0 and _numel(ref.size) * itemsize == len(data)
    if whole and _is_contiguous(ref):
        return tensor_from_bytes(name, data, ref.dtype, ref.size)
    # Slice first, so that thousands of views of one large storage do not each process all of it.
    part = memoryview(data)[start : (_last(ref) + 1) * itemsize]
    truths = ref.dtype == torch.bool
    flat = torch.frombuffer(part, dtype=torch.uint8 if truths else ref.dtype)
    # A copy, so that a small view does not keep a large storage alive.
    own = flat.as_strided(ref.size, ref.stride).clone(memory_format=torch.contiguous_format)
    if not truths:
        return own
    return tensor_from_bytes(name, bytearray(own.numpy().tobytes()), torch.bool, ref.size)


def _signed(ref: TensorRef, tensor: Tensor) -> Tensor:
    return -tensor if ref.negated else tensor


def _is_contiguous(ref: TensorRef) -> bool:
    expected = 1
    for length, step in zip(reversed(ref.size), reversed(ref.stride), strict=True):
        if length > 1 and step != expected:
            return False
        expected *= length
    return True
