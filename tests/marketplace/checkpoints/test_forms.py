"""Shape of what comes in about models."""

from collections.abc import Callable
from typing import Any

import pytest
from django import forms

from marketplace.accounts.models import User
from marketplace.checkpoints.forms import (
    CheckpointFilterForm,
    ClassNamesField,
    NumbersField,
    SharingForm,
    initial_like,
    split_class_names,
)


@pytest.mark.parametrize(
    "text",
    [
        "wren\nrobin, red\n\nowl\r\n",
        '["wren", "robin", "owl"]',
        "wren, robin ,owl",
        "'wren',\n'robin',\n'owl',",
    ],
)
def test_class_names_are_lines_or_a_list_in_one_line(text: str) -> None:
    first, second, third = split_class_names(text)
    assert (first, third) == ("wren", "owl") and second.startswith("robin")


def test_names_that_differ_in_the_ends_of_their_lines_have_not_changed() -> None:
    field = ClassNamesField()
    assert not field.has_changed(["wren", "owl"], "wren\r\nowl")
    assert field.has_changed(["wren", "owl"], "owl\r\nwren")


def test_numbers_are_separated_by_commas_or_spaces() -> None:
    field = NumbersField(required=False)
    assert field.clean("0.5, 0.25;1 ") == [0.5, 0.25, 1.0]
    assert field.clean("") == []
    assert field.prepare_value([0.5, 1.0]) == "0.5, 1.0"
    with pytest.raises(forms.ValidationError, match="separated by commas"):
        field.clean("half")


def test_a_filter_that_cannot_be_is_left_out(alice: User) -> None:
    asked = {"text": "wren", "channels": "7", "sort": "sideways", "licence": "mit"}
    found = CheckpointFilterForm(asked, user=alice).filters()
    assert (found["text"], found["licence"]) == ("wren", "mit")
    assert not {"channels", "sort"} & set(found)


def test_only_ones_own_teams_can_be_chosen(team: Any, bob: User, charlie: User) -> None:
    said = {"visibility": "team", "team": str(team.pk)}
    assert SharingForm(said, user=bob).is_valid()
    assert set(SharingForm(said, user=charlie).errors) == {"team"}


def test_the_next_upload_begins_like_the_last_without_what_its_files_said(
    make_checkpoint: Callable[..., Any], shared: Any
) -> None:
    told = {"filled": {"licence": "README.md", "description": "README.md"}}
    row = make_checkpoint(dataset="birds", description="Five birds.", reading=told, **shared.team)
    found = initial_like(row)
    assert (found["dataset"], found["consent_recovery"]) == ("birds", True)
    assert (found["licence"], found["description"]) == ("unstated", "")
    assert (found["visibility"], found["team"]) == ("team", str(row.team.pk))
