"""Architectures in a registry by name; a network is an embedding and a linear head."""

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
