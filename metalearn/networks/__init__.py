"""Architectures, one per file, in a registry by name.

A network is an embedding and a linear head. `NetworkSpec` is enough to build it again. Widths and
class counts are read from the tensors, never asked for.
"""

from metalearn.networks.base import Architecture, Network, NetworkSpec
from metalearn.networks.ensemble import ENSEMBLE, EnsembleNetwork, EnsembleSpec, MemberSpec
from metalearn.networks.registry import (
    all_architectures,
    build_bare,
    build_network,
    expected_shapes,
    get_architecture,
)

__all__ = [
    "ENSEMBLE",
    "Architecture",
    "EnsembleNetwork",
    "EnsembleSpec",
    "MemberSpec",
    "Network",
    "NetworkSpec",
    "all_architectures",
    "build_bare",
    "build_network",
    "expected_shapes",
    "get_architecture",
]
