import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from metalearn.bench import read_suite
from metalearn.bench.materials import Packs, load_pool, scenario_of
from metalearn.bench.suite import PoolEntry


@pytest.mark.parametrize(
    ("datasets", "architectures", "scenario"),
    [
        ("aa", "cc", "SS"),
        ("aa", "cr", "SH"),
        ("ab", "cc", "multi-domain"),
        ("ab", "cr", "MH"),
    ],
)
def test_the_scenario_follows_from_the_pool(
    datasets: str, architectures: str, scenario: str
) -> None:
    assert scenario_of(list(datasets), list(architectures)) == scenario


def test_pools_of_several_directories_keep_their_models_apart(suite_file: Path) -> None:
    pool = suite_file.parent / "pool"
    other = suite_file.parent / "other"
    other.symlink_to(pool, target_is_directory=True)
    loaded = load_pool(PoolEntry("both", (pool, other), 2, ("noise",)))
    names = [teacher.name for teacher in loaded.pool.teachers]
    assert names == ["pool/model_0", "pool/model_1", "other/model_0", "other/model_1"]
    alone = load_pool(PoolEntry("one", (pool,), 2, ("noise",)))
    assert [teacher.name for teacher in alone.pool.teachers] == ["model_0", "model_1"]
    assert alone.fingerprint != load_pool(PoolEntry("one", (pool,), None, ("noise",))).fingerprint


def test_one_data_set_under_two_names_can_be_called_one(suite_file: Path) -> None:
    pool, other = suite_file.parent / "pool", suite_file.parent / "other"
    shutil.copytree(pool, other)
    manifest = other / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace('"dataset": "noise"', '"dataset": "Noise"'))
    entry = PoolEntry("both", (pool, other), None, ("noise",))
    assert load_pool(entry).scenario == "multi-domain"
    assert load_pool(replace(entry, dataset="noise")).scenario == "SS"


def test_a_pack_is_read_once(suite_file: Path) -> None:
    packs = Packs(read_suite(suite_file).packs)
    first = packs.images("noise", channels=3, image_size=16)
    assert packs.images("noise", channels=3, image_size=16) is first
    assert packs.images("noise", channels=1, image_size=16).channels == 1
    assert len(packs.hash_of("noise")) == 64
