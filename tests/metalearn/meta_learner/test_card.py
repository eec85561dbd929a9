"""The card names what the learner was made from, and no name can break it."""

import json
from dataclasses import replace
from pathlib import Path

from metalearn.meta_learner import MetaLearner


def test_the_card_names_algorithm_input_teachers_and_licences(saved: Path) -> None:
    card = (saved / "README.md").read_text()
    front = card.split("---")[1]
    assert 'algorithm: "free"' in front
    assert 'teacher_licences: ["CC-BY-4.0"]' in front
    assert "16 x 16 pixels" in card
    assert "| Animals | ada |" in card


def test_card_and_provenance_say_whose_weights_the_learner_holds(
    learner: MetaLearner, tmp_path: Path
) -> None:
    (used,) = learner.teachers
    copied = [replace(used, name=name, copied=True) for name in ("Birds", "Fish_2")]
    learner.teachers = (used, *copied)
    learner.save(tmp_path / "copy")
    card = (tmp_path / "copy" / "README.md").read_text()
    section = card.split("## Made from")[1].split("## Limits")[0]
    assert "copies of, or computed from, those of: Birds, Fish\\_2." in section
    records = json.loads((tmp_path / "copy" / "provenance.json").read_text())
    assert [record.get("copied") for record in records] == [None, True, True]
    assert MetaLearner.load(tmp_path / "copy").teachers == learner.teachers
    learner.teachers = (used,)
    learner.save(tmp_path / "own")
    assert "copies of" not in (tmp_path / "own" / "README.md").read_text()


def test_the_card_lists_every_setting_of_the_run(saved: Path) -> None:
    card = (saved / "README.md").read_text()
    made, settings = card.split("## How it was made")[1].split("### Settings")
    assert "| seed | 7 |" in made
    assert "| outer\\_steps | 10 |" in settings


def test_the_card_speaks_of_recovered_images_only_where_some_may_have_been(
    learner: MetaLearner, tmp_path: Path
) -> None:
    cards = {}
    for recovers in (True, False, None):
        # A learner of before the entry existed says nothing, which is no denial.
        entry = {} if recovers is None else {"recovers_images": recovers}
        learner.made_by = {"algorithm": "free", **entry}
        learner.save(tmp_path / "learner")
        cards[recovers] = (tmp_path / "learner" / "README.md").read_text()
    for recovers in (True, None):
        assert (
            "\nwere recovered to make this learner, with their owners' consent" in cards[recovers]
        )
    assert "No images were recovered" in cards[False]
    assert "with their owners' consent" not in cards[False]
    assert all("|  |" not in card for card in cards.values())


def test_names_from_people_cannot_break_the_card(learner: MetaLearner, tmp_path: Path) -> None:
    hostile = "a|b\n---\n# <script>x</script>[l](http://e)"
    bad = learner.teachers[0].__class__(hostile, hostile, "", hostile, True)
    MetaLearner(
        learner.network,
        mean=learner.mean,
        std=learner.std,
        teachers=[bad],
        made_by={"name": "x\ny"},
    ).save(tmp_path / "l")
    card = (tmp_path / "l" / "README.md").read_text()
    body = card.split("\n---\n", 1)[1]
    assert "<script>" not in body
    assert "[l](" not in body
    assert [line for line in card.splitlines() if line.startswith("#")][0] == "# x y"
    assert sum(line == "---" for line in card.splitlines()) == 2
