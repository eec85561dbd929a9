"""A classifier of timm, torchvision or transformers as a Network: same tensors, same outputs.

The network shares the tables of children, parameters and buffers with the library's model, so its
tensors keep the library's names, and swapping a tensor (as `torch.func.functional_call` does)
reaches the model. The model itself computes; the features are what enters its last linear layer.
"""

import copy
from typing import Any

from torch import Tensor, nn

from metalearn.networks.base import Network, NetworkSpec
from metalearn.shapes import Features, Images, Logits

_SHARED = ("_modules", "_parameters", "_buffers", "_non_persistent_buffers_set")


class LibraryNetwork(Network):
    """Wraps `model`, whose last linear layer is called `head_name`."""

    def __init__(self, spec: NetworkSpec, model: nn.Module, *, head_name: str) -> None:
        super().__init__()
        self.spec = spec
        self.head_name = head_name
        self._adopt(model)

    def _adopt(self, model: nn.Module) -> None:
        for table in _SHARED:
            self.__dict__[table] = model.__dict__[table]
        # Past nn.Module's registry: a child called “model” would change every tensor's name.
        self.__dict__["_model"] = model

    @property
    def feature_dim(self) -> int:
        return self.head.in_features

    def embed(self, images: Images) -> Features:
        """What the head is given. Nothing behind it is computed, nor are its weights looked at."""
        handle = self.head.register_forward_pre_hook(_stop)
        try:
            self.forward(images)
        except _HeadReached as reached:
            return reached.features
        finally:
            handle.remove()
        raise RuntimeError(f"{self.spec.architecture} computed its logits without its head")

    def forward(self, images: Images) -> Logits:
        output: Any = self.__dict__["_model"](images)
        logits: Tensor = output if isinstance(output, Tensor) else output.logits
        return logits

    def train(self, mode: bool = True) -> "LibraryNetwork":
        """Set the mode of the model too, whose own `forward` may ask for it."""
        super().train(mode)
        self.__dict__["_model"].training = mode
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "LibraryNetwork":
        """A copy that shares its tables with a copy of the model, not with this one's."""
        other = self.__class__.__new__(self.__class__)
        memo[id(self)] = other
        rest = {name: value for name, value in self.__dict__.items() if name not in _SHARED}
        other.__dict__.update(copy.deepcopy(rest, memo))
        other._adopt(other.__dict__["_model"])
        return other


class _HeadReached(Exception):
    """Ends the model's own forward pass where its head begins."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features


def _stop(_: nn.Module, given: tuple[Tensor, ...]) -> None:
    raise _HeadReached(given[0].flatten(1))
