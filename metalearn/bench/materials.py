"""What a suite works on: its pools and packs, found before any hour is spent."""

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
    """InvalidPool or InvalidData, naming the first pool or pack of the suite that is not there."""
    for pool in suite.pools:
        for directory in pool.directories:
            if not (directory / MANIFEST).is_file():
                raise InvalidPool(
                    f"The suite needs the pool “{directory}”, which is not there; give the folder "
                    "it lies in with --data-root or make it with `pretrain`."
                )
        for name in pool.packs:
            if not suite.packs[name].is_file():
                raise InvalidData(
                    f"The suite needs the data pack “{suite.packs[name]}”, which is not there; "
                    "give the folder it lies in with --data-root or make it with `pack`."
                )


@dataclass(frozen=True)
class LoadedPool:
    """A pool with what tables say of it."""

    entry: PoolEntry
    pool: Pool
    scenario: str
    fingerprint: str

    @property
    def name(self) -> str:
        """Its name in the suite."""
        return self.entry.name


def load_pool(entry: PoolEntry) -> LoadedPool:
    """The teachers of all directories of the entry."""
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
    """SS, SH, MH or multi-domain, from each teacher's data set and architecture.

    SS: one data set, one architecture; SH: several architectures; multi-domain: several data
    sets with one architecture (FREE); MH: several of both (PURER, BiDf-MKD).
    """
    if len(set(datasets)) == 1:
        return "SS" if len(set(architectures)) == 1 else "SH"
    return "multi-domain" if len(set(architectures)) == 1 else "MH"


def _renamed(teacher: Teacher, directory: Path) -> Teacher:
    """Directories call their models alike, but an algorithm must tell them apart."""
    return dataclasses.replace(teacher, name=f"{directory.name}/{teacher.name}")


class Packs:
    """The suite's data packs, each read once for every size and number of channels."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self._paths = paths
        self._hashes: dict[str, str] = {}
        self._read: dict[tuple[str, int, int], ImageSet] = {}

    def hash_of(self, name: str) -> str:
        """SHA-256 of the pack's file."""
        if name not in self._hashes:
            self._hashes[name] = file_hash(self._paths[name])
        return self._hashes[name]

    def images(self, name: str, *, channels: int, image_size: int) -> ImageSet:
        """The pack's pictures; the size holds for packs of encoded pictures."""
        key = (name, channels, image_size)
        if key not in self._read:
            self._read[key] = read_data(self._paths[name], channels=channels, image_size=image_size)
        return self._read[key]
