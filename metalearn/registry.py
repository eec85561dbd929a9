"""Registry of algorithms, which imports every module of `metalearn.algorithms` once."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import TypedDict

import torch

import metalearn.algorithms
from contract.settings import PresetDescription, SettingDescription
from metalearn.algorithm import Algorithm
from metalearn.errors import InvalidSetting
from metalearn.pool import Pool
from metalearn.presets import describe_presets
from metalearn.settings import build, describe


class CatalogueEntry(TypedDict):
    """Description of an algorithm as published to the web pages and the REST API."""

    name: str
    title: str
    paper: str
    summary: str
    needs_recovery: bool
    settings: list[SettingDescription]
    presets: list[PresetDescription]


@cache
def _algorithms() -> Mapping[str, type[Algorithm]]:
    found: dict[str, type[Algorithm]] = {}
    for info in pkgutil.iter_modules(metalearn.algorithms.__path__, "metalearn.algorithms."):
        module = importlib.import_module(info.name)
        for kind in vars(module).values():
            if not _is_algorithm(kind) or not _is_home(info.name, kind.__module__):
                continue
            if kind.name in found:
                raise TypeError(f"two algorithms are called {kind.name!r}")
            found[kind.name] = kind
    return found


def _is_algorithm(kind: object) -> bool:
    return inspect.isclass(kind) and issubclass(kind, Algorithm) and not inspect.isabstract(kind)


def _is_home(module: str, defined_in: str) -> bool:
    return defined_in == module or defined_in.startswith(f"{module}.")


def all_algorithms() -> dict[str, type[Algorithm]]:
    return dict(_algorithms())


def algorithm_named(name: str) -> type[Algorithm]:
    kinds = _algorithms()
    if name not in kinds:
        raise InvalidSetting(
            f"There is no algorithm “{name[:60]}”; the known ones are {', '.join(kinds)}."
        )
    return kinds[name]


def make_algorithm(
    name: str, pool: Pool, settings: Mapping[str, object], *, device: torch.device, seed: int
) -> Algorithm:
    """Return a run of the algorithm, ready for its first step.

    Raises InvalidSetting for an unknown algorithm or an invalid setting, and InvalidPool if the
    algorithm cannot work with the pool.
    """
    kind = algorithm_named(name)
    return kind(pool, build(kind.Config, settings), device=device, seed=seed)


def catalogue() -> list[CatalogueEntry]:
    return [
        {
            "name": kind.name,
            "title": kind.title,
            "paper": kind.paper,
            "summary": kind.summary,
            "needs_recovery": kind.needs_recovery,
            "settings": describe(kind.Config),
            "presets": describe_presets(kind.Config),
        }
        for _, kind in sorted(_algorithms().items())
    ]
