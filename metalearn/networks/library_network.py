"""A classifier of timm, torchvision or transformers as a Network: same tensors, same outputs.

The network shares the tables of children, parameters and buffers with the library's model. So its
tensors keep the library's names, and swapping a tensor (as `torch.func.functional_call` does)
reaches the model. The features are the input of the last linear layer, or of the one that replaces
several (`joint_head.py`).
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from metalearn.networks.base import Network, NetworkSpec
from metalearn.shapes import Features, Images, Logits

_SHARED = ("_modules", "_parameters", "_buffers", "_non_persistent_buffers_set")


class LibraryNetwork(Network):
    """Wrapper of `model`, whose last linear layer is called `head_name`.

    `taps` are the layers whose inputs are the features, if not the head's input. `beside_head` are
    other layers with classes, in a model whose logits are more than its head's.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        model: nn.Module,
        *,
        head_name: str,
        taps: tuple[str, ...] = (),
        beside_head: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.spec = spec
        self.head_name = head_name
        self.taps = taps
        self.beside_head = beside_head
        self._adopt(model)

    def _adopt(self, model: nn.Module) -> None:
        for table in _SHARED:
            self.__dict__[table] = model.__dict__[table]
        # Past nn.Module's registry: a child called “model” would change every tensor's name.
        self.__dict__["_model"] = model

    @property
    def feature_dim(self) -> int:
        return self.output_layer.in_features

    def embed(self, images: Images) -> Features:
        """Return the head's input. Nothing after it is computed, and its weights are not used."""
        model: nn.Module = self.__dict__["_model"]
        layers = [model.get_submodule(tap) for tap in self.taps] or [self.output_layer]
        met: dict[nn.Module, Tensor] = {}

        def keep(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
            met[layer] = _pooled(given[0])
            if len(met) == len(layers):
                raise _HeadReached

        handles = [layer.register_forward_pre_hook(keep) for layer in layers]
        try:
            model(images)
        except _HeadReached:
            return torch.cat([met[layer] for layer in layers], 1) if self.taps else met[layers[0]]
        finally:
            for handle in handles:
                handle.remove()
        raise RuntimeError(f"{self.spec.architecture} computed its logits without its head")

    def forward(self, images: Images) -> Logits:
        if self.taps:
            return super().forward(images)
        output: Any = self.__dict__["_model"](images)
        logits: Tensor = output if isinstance(output, Tensor) else output.logits
        return logits

    def train(self, mode: bool = True) -> "LibraryNetwork":
        """Also set the mode of the model, whose own `forward` may read it."""
        super().train(mode)
        self.__dict__["_model"].training = mode
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "LibraryNetwork":
        """Copy with tables shared with the copied model, not with this one's."""
        other = self.__class__.__new__(self.__class__)
        memo[id(self)] = other
        rest = {name: value for name, value in self.__dict__.items() if name not in _SHARED}
        other.__dict__.update(copy.deepcopy(rest, memo))
        other._adopt(other.__dict__["_model"])
        return other


class _HeadReached(Exception):
    """Ends the model's forward pass where its head begins."""


def _pooled(given: Tensor) -> Tensor:
    """Return one vector per image, pooled as the model pools its head's output.

    CLIP's ResNets keep the first token after the head, SqueezeNet takes the mean over the map.
    """
    if given.dim() == 3:
        return given[:, 0]
    if given.dim() == 4 and given.shape[2:] != (1, 1):
        return given.mean((2, 3))
    return given.flatten(1)
