"""Import of torchvision, even if its compiled operators do not fit the installed torch.

torchvision's usual build is for CUDA. With a CPU-only torch, `import torchvision` fails with
"operator torchvision::nms does not exist" because it describes two undeclared operators. Declaring
them is enough: models and transforms work. `ops.nms` and the image decoders do not, but nothing
here uses them.
"""

import importlib
import sys
from types import ModuleType

import torch

_FAILURE = "operator torchvision::nms does not exist"
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []  # a library lives as long as this reference


def torchvision_models() -> ModuleType:
    """Return `torchvision.models`, imported at the first call because it takes over a second."""
    try:
        return importlib.import_module("torchvision.models")
    except RuntimeError as error:
        if _FAILURE not in str(error) or _declared:
            raise
    _declare_missing_operators()
    return importlib.import_module("torchvision.models")


def _declare_missing_operators() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    _declared.append(library)
