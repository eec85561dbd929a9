"""Builds the index of timm's, torchvision's and transformers' architectures: `make index`.

    python -m metalearn.networks.indexing [--cache FILE]

Every architecture is built without weights, for its names and shapes. Twins have the same ones;
they are run with numbers derived from the tensors' names, and get the same `function` if their
outputs agree. Very large ones are not run. Of the others, one per class and all with several heads
are run, to check that the logits are one linear layer on one feature vector; except for those in
`probing.NOT_LINEAR`, an architecture is otherwise left out. Takes half an hour on one core;
`--cache` stores results, so an interrupted run can continue.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch
from tqdm import tqdm

from metalearn.networks.index import INDEX_FILE
from metalearn.networks.libraries import timm
from metalearn.networks.probing import Probed, probe, probe_outputs
from metalearn.networks.torchvision_import import torchvision_models
from metalearn.networks.transformers_library import CLASSES, PREFIX

_MAX_RUN = 120_000_000
_SAME = 1e-4


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", type=Path, help="JSON lines with earlier results")
    cache = parser.parse_args().cache
    torch.set_grad_enabled(False)
    known = _read_cache(cache)
    for name in tqdm([name for name in _all_names() if name not in known], desc="tensors"):
        known[name] = probe(name)
        _keep(cache, known[name])
    looked = [known[name] for name in _all_names()]
    for one in tqdm([one for one in _to_run(looked) if not one.outputs], desc="outputs"):
        probe_outputs(one)
        _keep(cache, one)
    INDEX_FILE.write_text(_written(looked))


def _keep(cache: Path | None, looked: Probed) -> None:
    if cache is not None:
        with cache.open("a") as file:
            file.write(json.dumps(asdict(looked)) + "\n")


def _to_run(looked: Iterable[Probed]) -> list[Probed]:
    """Select twins, models with several heads, and the smallest of each other class."""
    kept = sorted((one for one in looked if not one.refused), key=lambda one: one.parameters)
    counts = Counter((one.names, one.shapes) for one in kept)
    twins = (one for one in kept if counts[one.names, one.shapes] > 1)
    chosen = [one for one in twins if one.parameters <= _MAX_RUN]
    # Only a run shows which of their features are the same.
    chosen += [one for one in kept if len(one.heads) > 1 and one not in chosen]
    seen = {one.family for one in chosen}
    for one in kept:
        if one.family not in seen:
            seen.add(one.family)
            chosen.append(one)
    return chosen


def _read_cache(cache: Path | None) -> dict[str, Probed]:
    if cache is None or not cache.exists():
        return {}
    looked = (Probed(**json.loads(line)) for line in cache.read_text().splitlines())
    return {one.name: one for one in looked}


def _all_names() -> list[str]:
    models = torchvision_models()
    return [
        *(f"torchvision/{name}" for name in models.list_models(module=models)),
        *(f"timm/{name}" for name in timm().list_models()),
        *(PREFIX + name for name in CLASSES),
    ]


def _written(looked: Iterable[Probed]) -> str:
    looked = list(looked)
    odd = {one.family for one in looked if one.family and one.refused}
    kept = [one for one in looked if not one.refused and one.family not in odd]
    functions = _functions(kept)
    head = {
        "made_with": {name: version(name) for name in ("timm", "torchvision", "transformers")},
        "columns": [
            "name", "heads", "features", "size", "sized", "parameters", "mean", "std", "names",
            "shapes", "loose", "function",
        ],
        "not_linear": {one.name: one.beside_head for one in kept if not one.linear},
    }  # fmt: skip
    lines = [
        json.dumps(
            [
                one.name, one.heads, one.features, one.size, one.sized, one.parameters,
                [round(value, 4) for value in one.mean], [round(value, 4) for value in one.std],
                one.names, one.shapes, one.loose, functions[one.name],
            ],
            separators=(",", ":"),
        )
        for one in kept
    ]  # fmt: skip
    text = json.dumps(head)[:-1]
    return f'{text}, "architectures": [\n' + ",\n".join(lines) + "\n]}\n"


def _functions(looked: Iterable[Probed]) -> dict[str, int]:
    """Number the architectures; twins that compute the same share a number."""
    twins: dict[tuple[str, str], list[Probed]] = defaultdict(list)
    for one in looked:
        twins[one.names, one.shapes].append(one)
    numbers: dict[str, int] = {}
    count = 0
    for group in twins.values():
        firsts: list[tuple[Probed, int]] = []
        for one in group:
            same = (number for first, number in firsts if _agree(first, one))
            number = next(same, -1)
            if number < 0:
                number, count = count, count + 1
                firsts.append((one, number))
            numbers[one.name] = number
    return numbers


def _agree(one: Probed, other: Probed) -> bool:
    return (
        one.heads == other.heads
        and bool(one.outputs)
        and bool(other.outputs)
        and all(abs(a - b) < _SAME for a, b in zip(one.outputs, other.outputs, strict=True))
    )


if __name__ == "__main__":
    main()
