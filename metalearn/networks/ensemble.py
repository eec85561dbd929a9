"""Ensembles: several networks side by side, whose features form one feature vector."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metalearn.networks.base import Network, NetworkSpec
from metalearn.numerics.preparation import prepare_images
from metalearn.shapes import Features, Images

ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class MemberSpec:
    """A member's network, and the normalisation that it was trained with."""

    network: NetworkSpec
    mean: tuple[float, ...]
    std: tuple[float, ...]
    say: float = 1.0
    """Weight of its cosines among the members."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for config.json."""
        normalisation = {"mean": list(self.mean), "std": list(self.std)}
        return {**self.network.as_dict(), **normalisation, "say": self.say}


@dataclass(frozen=True)
class EnsembleSpec(NetworkSpec):
    """An ensemble's spec; `width` is the number of members, `image_size` their largest."""

    members: tuple[MemberSpec, ...] = ()

    @classmethod
    def of(cls, members: Sequence[MemberSpec], *, n_classes: int) -> "EnsembleSpec":
        """Return the spec of an ensemble of one or more members with equally many channels."""
        return cls(
            architecture=ENSEMBLE,
            width=len(members),
            channels=members[0].network.channels,
            image_size=max(member.network.image_size for member in members),
            n_classes=n_classes,
            members=tuple(members),
        )

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "members": [member.as_dict() for member in self.members]}


class EnsembleNetwork(Network):
    """Features of each member, scaled to length 1 and concatenated.

    It takes images in [0, 1] that are not normalised, as each member normalises by itself; a
    meta-learner around it has mean 0 and standard deviation 1. The cosine of two features is the
    mean of the members' cosines, weighted by `say`. The head starts at zero.
    """

    head_name = "head"

    def __init__(self, spec: EnsembleSpec, members: Sequence[Network]) -> None:
        super().__init__()
        self.spec: EnsembleSpec = spec
        self.members = nn.ModuleList(members)
        self._modules["head"] = nn.Linear(self.feature_dim, spec.n_classes)
        nn.init.zeros_(self.output_layer.weight)
        nn.init.zeros_(self.output_layer.bias)

    @property
    def feature_dim(self) -> int:
        return sum(member.feature_dim for member in self._networks())

    def embed(self, images: Images) -> Features:
        """Map images in [0, 1] of any size to features of squared length sum(`say`)."""
        parts = [
            _member_features(network, member, images)
            for network, member in zip(self._networks(), self.spec.members, strict=True)
        ]
        return torch.cat(parts, dim=1)

    def _networks(self) -> list[Network]:
        networks = list(self.members)
        assert all(isinstance(network, Network) for network in networks)
        return networks  # type: ignore[return-value]


def _member_features(network: Network, member: MemberSpec, images: Images) -> Tensor:
    size = member.network.image_size
    ready = prepare_images(images, size=size, mean=member.mean, std=member.std)
    ready = ready.contiguous(memory_format=torch.channels_last)
    found = network.embed(ready)
    unit = F.normalize(found.to(torch.promote_types(found.dtype, torch.float32)), dim=1)
    return unit if member.say == 1 else math.sqrt(member.say) * unit
