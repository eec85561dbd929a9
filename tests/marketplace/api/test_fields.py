"""Fields that several serialisers share."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from marketplace.accounts.models import Team, User
from marketplace.api.fields import (
    MAX_ERRORS,
    BoundedListField,
    JsonListField,
    NumberField,
    PictureField,
    TeamField,
)


class Form(serializers.Serializer):
    """A form with one list."""

    names = JsonListField(
        child=serializers.CharField(), example='["a"]', max_length=3, default=list
    )


class WithTeam(serializers.Serializer):
    """A row that may be shared."""

    team = TeamField()


def team_of(user: User, said: object) -> Any:
    """The team that this person names so; None when it is refused."""
    shape = WithTeam(data={"team": said}, context={"request": SimpleNamespace(user=user)})
    return shape.validated_data["team"] if shape.is_valid() else None


def test_a_list_that_is_too_long_is_refused_before_its_entries_are_read() -> None:
    field = BoundedListField(child=serializers.IntegerField(), min_length=1, max_length=2)
    assert field.run_validation([1, "2"]) == [1, 2]
    for data, text in (([None] * 3, "at most 2"), ([], "at least 1")):
        with pytest.raises(ValidationError, match=text):
            field.run_validation(data)


def test_of_many_wrong_entries_the_first_are_named() -> None:
    field = BoundedListField(child=serializers.IntegerField(), max_length=100)
    with pytest.raises(ValidationError) as refused:
        field.run_validation([1, *["x"] * 50])
    detail: Any = refused.value.detail
    assert sorted(detail) == list(range(1, MAX_ERRORS + 1))


@pytest.mark.parametrize(
    "sent", ['names=["a", "b"]', "names=a, b", "names=a&names=b"], ids=["JSON", "commas", "twice"]
)
def test_a_list_in_a_form_is_json_or_commas_or_the_field_repeated(sent: str) -> None:
    form = Form(data=QueryDict(sent))
    assert form.is_valid() and form.validated_data["names"] == ["a", "b"]


def test_a_field_that_a_form_leaves_out_has_its_default() -> None:
    form = Form(data=QueryDict("other=1"))
    assert form.is_valid() and form.validated_data["names"] == []


@pytest.mark.parametrize(
    "text", ['{"a": 1}', '["a"', "[" * 100_000], ids=["object", "open", "deep"]
)
def test_json_that_is_no_list_is_refused_with_an_example(text: str) -> None:
    form = Form(data={"names": text})
    assert not form.is_valid()
    assert 'for instance ["a"]' in str(form.errors["names"][0])


def test_a_number_of_hundreds_of_digits_is_no_number() -> None:
    assert NumberField().run_validation("0.5") == 0.5
    with pytest.raises(ValidationError):
        NumberField().run_validation(10**400)


def test_a_picture_is_base64_with_or_without_the_head_of_a_data_url() -> None:
    field = PictureField()
    assert field.run_validation("data:image/png;base64,AA\nAA") == "AAAA"
    for wrong in ("data:image/png;base64,", "A", "ÄÄÄÄ"):
        with pytest.raises(ValidationError, match="base64"):
            field.run_validation(wrong)


def test_a_team_is_found_by_name_or_id_by_its_members_only(
    team: Team, bob: User, charlie: User
) -> None:
    for said in (team.name, str(team.pk)):
        assert team_of(bob, said) == team
        assert team_of(charlie, said) is None
    assert team_of(bob, "Bot\0any") is None
    assert WithTeam({"team": team}).data == {"team": "Botany"}
