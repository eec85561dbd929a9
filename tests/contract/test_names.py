"""Names hold nothing that a reader cannot see, and no letters that pass for others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.names import cleaned_name, is_reserved, name_problem


@pytest.mark.parametrize(
    "name",
    [
        "Robin 2", "Straße", "α-particle", "东京 birds", "نام‌ها",
        "👩‍👩‍👧 family", "Жук", "ResNet-18 (v2)", "e\u0301t\u00e9",
    ],
)  # fmt: skip
def test_names_as_people_write_them_pass(name: str) -> None:
    assert name_problem(cleaned_name(name)) == ""


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ro\u202ebin", "U+202E"),  # turns the direction
        ("ro\u200bbin", "U+200B"),  # zero width
        ("robin\u2066", "U+2066"),
        ("ro\u00adbin", "U+00AD"),  # soft hyphen
        ("ro\u200dbin", "U+200D"),  # a joiner between Latin letters
        ("ro\x00bin", "U+0000"),
        ("ro\ue000bin", "U+E000"),  # private use
        ("\U000e0041robin", "U+E0041"),  # a tag
    ],
)
def test_characters_that_cannot_be_seen_are_named(name: str, code: str) -> None:
    assert f"invisible character {code}" in name_problem(cleaned_name(name))


@pytest.mark.parametrize(
    ("name", "mixed"),
    [("\u0430lice", "Cyrillic and Latin"), ("alic\u03b5", "Greek and Latin")],
)
def test_a_word_of_two_alphabets_is_refused(name: str, mixed: str) -> None:
    assert f"mixes {mixed} letters" in name_problem(name)


def test_two_ways_to_write_a_letter_become_one() -> None:
    assert cleaned_name("  caf\u0065\u0301   au lait ") == "caf\u00e9 au lait"


@pytest.mark.parametrize("name", ["Admin", "s-t-a-f-f", "ＦＲＥＥＨＯＬＤ", "Free hold", "_root"])
def test_names_of_the_instance_are_reserved(name: str) -> None:
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["administrate", "alice", "staffa", "support vector"])
def test_other_names_are_free(name: str) -> None:
    assert not is_reserved(name)


@given(st.text(max_size=40))
def test_a_name_that_passes_is_printed_as_it_is(text: str) -> None:
    name = cleaned_name(text)
    assert cleaned_name(name) == name
    if not name_problem(name):
        assert all(letter.isprintable() or letter in "\u200c\u200d" for letter in name)
