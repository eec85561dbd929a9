from pathlib import Path

import pytest

from metalearn.bench import find_suite, read_suite
from metalearn.bench.run import full_settings
from metalearn.bench.suite import BEST_TEACHER, MEAN_TEACHER, shipped_suites
from metalearn.errors import InvalidSetting


def changed(file: Path, old: str, new: str) -> Path:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return file


def test_a_suite_says_what_is_compared(suite_file: Path) -> None:
    suite = read_suite(suite_file)
    assert suite.name == "tiny" and suite.title == "Tiny"
    assert suite.seeds == (0,) and suite.judging.shots == (1,)
    assert suite.packs == {"noise": suite_file.parent / "noise.npz"}
    assert suite.pools[0].directories == (suite_file.parent / "pool",)
    assert suite.judging.heads == ("default",) and suite.selection == "last"
    assert not suite.best_on_judged


def test_paths_start_where_they_are_told_to(suite_file: Path, tmp_path: Path) -> None:
    suite = read_suite(suite_file, data_root=tmp_path / "elsewhere")
    assert suite.packs["noise"] == tmp_path / "elsewhere" / "noise.npz"


def test_a_quick_suite_takes_one_seed_and_the_quick_settings(suite_file: Path) -> None:
    changed(suite_file, "seeds = [0]", "seeds = [0, 1]")
    suite = read_suite(changed(suite_file, "episodes = 4", "episodes = 600")).quickened()
    assert suite.seeds == (0,) and suite.judging.episodes == 100
    assert suite.algorithms[1].settings["outer_steps"] == 1
    assert suite.algorithms[1].settings["n_way"] == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("seeds = [0]", "seeds = [0, 0]", "“seeds” must be a list of different whole numbers"),
        ("seeds = [0]", "seeds = []", "“seeds” must be a list"),
        ("seeds = [0]", "seed = 3", "unknown key “seed”"),
        ("way = 2", "way = 1", "at least 2"),
        ("way = 2", "way = true", "whole number"),
        ("way = 2", 'heads = ["neck"]', "“neck” is not one of the suite's heads"),
        ("way = 2", 'selection = "test"', "must be one of last, pseudo"),
        ("way = 2", "best_on_judged = 1", "true or false"),
        ('packs = ["noise"]', 'packs = ["cub"]', "“cub” is not one of the suite's packs"),
        ('name = "tiny"', "", "[[pools]] number 1: “name” is missing"),
        ('name = "free"', 'name = "free"\nshots = 5', "unknown key “shots”"),
        ("[[algorithms]]", '[[references]]\nname = "luck"\n[[algorithms]]', "suite's references"),
        (
            "[[algorithms]]",
            '[[references]]\nname = "public_backbone"\n[[algorithms]]',
            "[[references]] number 1: “checkpoint” is missing",
        ),
        ('label = "FREE"', 'label = "nothing learned"', "a unique name"),
        ("settings = { n_way = 2 }", "settings = 2", "must be a table"),
        ("[[algorithms]]", "[algorithms]", "not a TOML file"),
        ('title = "Tiny"', "title = 5", "“title” must be a text"),
    ],
)
def test_what_makes_no_sense_is_refused(suite_file: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(InvalidSetting) as refusal:
        read_suite(changed(suite_file, old, new))
    assert says in str(refusal.value)


def test_a_suite_can_be_narrowed_to_some_rows(suite_file: Path) -> None:
    changed(suite_file, "[[algorithms]]", '[[references]]\nname = "each_teacher"\n[[algorithms]]')
    suite = read_suite(suite_file)
    assert suite.labels == [MEAN_TEACHER, BEST_TEACHER, "nothing learned", "FREE"]
    assert suite.narrowed([BEST_TEACHER]).labels == [MEAN_TEACHER, BEST_TEACHER]
    assert suite.narrowed(["FREE"]).labels == ["FREE"]


def test_an_unknown_suite_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match=r"cifar_fs"):
        find_suite("nothing_of_that_name")


@pytest.mark.parametrize("name", shipped_suites())
def test_the_suites_that_come_along_can_be_read(name: str) -> None:
    suite = read_suite(find_suite(name))
    for entry in (*suite.algorithms, *suite.quickened().algorithms):
        assert full_settings(entry)
    assert all(not path.is_absolute() for path in suite.packs.values())
