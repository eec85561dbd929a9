"""A suite's pools and packs, checked before hours of work."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from metalearn.bench.rows import file_hash, row_key
from metalearn.bench.suite import PoolEntry, Suite
from metalearn.checkpoint import read_pool
from metalearn.checkpoint.pool_directory import MANIFEST
from metalearn.datasets import ImageSet, read_data
from metalearn.errors import InvalidData, InvalidPool
from metalearn.pool import Pool, Teacher


def check_materials(suite: Suite) -> None:
    """Raise InvalidPool or InvalidData, naming the suite's first missing pool or pack."""
    for pool in suite.pools:
        for directory in pool.directories:
            if not (directory / MANIFEST).is_file():
                raise InvalidPool(
                    f"The suite needs the pool “{directory}”, which does not exist; give its "
                    "parent folder with --data-root or make it with `pretrain`."
                )
        for name in pool.packs:
            if not suite.packs[name].is_file():
                raise InvalidData(
                    f"The suite needs the data pack “{suite.packs[name]}”, which does not exist; "
                    "give its folder with --data-root or make it with `pack`."
                )


@dataclass(frozen=True)
class LoadedPool:
    entry: PoolEntry
    pool: Pool
    scenario: str
    fingerprint: str

    @property
    def name(self) -> str:
        return self.entry.name


def load_pool(entry: PoolEntry) -> LoadedPool:
    parts = [
        (directory, teacher)
        for directory in entry.directories
        for teacher in read_pool(directory, limit=entry.models).teachers
    ]
    datasets = [
        entry.dataset or str(teacher.extra.get("dataset") or directory.name)
        for directory, teacher in parts
    ]
    several = len(entry.directories) > 1
    teachers = [
        _renamed(teacher, directory) if several else teacher for directory, teacher in parts
    ]
    known = [[t.sha256, t.name, *t.class_names] for t in teachers]
    return LoadedPool(
        entry=entry,
        pool=Pool(tuple(teachers)),
        scenario=scenario_of(datasets, [t.network.spec.architecture for t in teachers]),
        fingerprint=row_key({"teachers": known}),
    )


def scenario_of(datasets: list[str], architectures: list[str]) -> str:
    """Return SS, SH, MH or multi-domain, given each teacher's data set and architecture.

    SS: one data set, one architecture; SH: several architectures; multi-domain: several data sets
    with one architecture (FREE); MH: several of both (PURER, BiDf-MKD).
    """
    if len(set(datasets)) == 1:
        return "SS" if len(set(architectures)) == 1 else "SH"
    return "multi-domain" if len(set(architectures)) == 1 else "MH"


def _renamed(teacher: Teacher, directory: Path) -> Teacher:
    return dataclasses.replace(teacher, name=f"{directory.name}/{teacher.name}")


class Packs:
    """The suite's data packs, each read once per image size and number of channels."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self._paths = paths
        self._hashes: dict[str, str] = {}
        self._read: dict[tuple[str, int, int], ImageSet] = {}

    def hash_of(self, name: str) -> str:
        if name not in self._hashes:
            self._hashes[name] = file_hash(self._paths[name])
        return self._hashes[name]

    def images(self, name: str, *, channels: int, image_size: int) -> ImageSet:
        """Return the pack's images; `image_size` applies only to packs of encoded images."""
        key = (name, channels, image_size)
        if key not in self._read:
            self._read[key] = read_data(self._paths[name], channels=channels, image_size=image_size)
        return self._read[key]
