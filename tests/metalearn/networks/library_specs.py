"""Specs of library networks at the smallest size that they take."""

from metalearn.networks import NetworkSpec, get_architecture
from metalearn.networks.index import the_index


def size_of(name: str) -> int:
    facts = the_index().by_name[name].facts
    return facts.image_size if facts.fixed_size or "inception" in name else 64


def spec_of(name: str) -> NetworkSpec:
    architecture = get_architecture(name)
    return NetworkSpec(name, architecture.default_width, 3, size_of(name), 4)
