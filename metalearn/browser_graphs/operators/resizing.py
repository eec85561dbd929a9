"""Rules for resizing images."""

import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.browser_graphs.conversion import Call, NotForBrowsers, rule
from metalearn.browser_graphs.sizes import is_dynamic


@rule("upsample_bilinear2d.default")
def enlarge(call: Call) -> str:
    builder = call.builder
    if call.arguments[2]:
        raise NotForBrowsers("Browsers cannot adapt a network that aligns corners.")
    shape = call.result_shape
    assert not any(is_dynamic(size) for size in shape[2:])
    sizes = builder.shape(shape)
    return builder.node(
        "Resize",
        [call.arguments[0], "", "", sizes],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )


@rule("_upsample_bilinear2d_aa.default")
def box(call: Call) -> str:
    """Resize with anti-aliasing by matrix products; ONNX's own operator has a different filter."""
    before, after = call.shape(0)[2:], call.result_shape[2:]
    return _between_matrices(call, before, after, backward=False)


@rule("_upsample_bilinear2d_aa_backward.default")
def box_backward(call: Call) -> str:
    before, after = call.result_shape[2:], call.shape(0)[2:]
    return _between_matrices(call, before, after, backward=True)


def _between_matrices(
    call: Call, before: tuple[int, ...], after: tuple[int, ...], *, backward: bool
) -> str:
    if call.arguments[3 if backward else 2]:
        raise NotForBrowsers("Browsers cannot adapt a network that aligns corners.")
    builder = call.builder
    rows, columns = (
        _resizing_matrix(*sizes, builder.dtype) for sizes in zip(before, after, strict=True)
    )
    left, right = (rows.T, columns) if backward else (rows, columns.T)
    product = builder.node("MatMul", [builder.constant(left.numpy()), str(call.arguments[0])])
    return builder.node("MatMul", [product, builder.constant(right.numpy())])


def _resizing_matrix(before: int, after: int, dtype: torch.dtype) -> Tensor:
    """Return the (after, before) matrix that PyTorch applies to one axis."""
    bright = torch.eye(before, dtype=dtype).view(1, 1, before, before)
    size = (after, before)
    seen = F.interpolate(bright, size, mode="bilinear", antialias=True, align_corners=False)
    return seen.view(after, before)
