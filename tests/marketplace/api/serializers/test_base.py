"""Fields that are not known are refused."""

from rest_framework import serializers
from rest_framework.test import APIClient

from marketplace.api.serializers.base import StrictSerializer

API = "/api/v1"
LEAKED = f"{API}/credentials/revoke/"


def test_of_many_wrong_entries_the_first_are_named(anybody: APIClient, db: None) -> None:
    answer = anybody.post(LEAKED, {"credentials": [[]] * 100})
    sentences = answer.json()["errors"]["credentials"]
    assert len(sentences) == 10 and sentences[0].startswith("Entry 1:")


def test_of_many_unknown_fields_some_are_named(anybody: APIClient, db: None) -> None:
    answer = anybody.post(LEAKED, {f"field {number}": 1 for number in range(2000)})
    assert answer.status_code == 400 and len(answer.json()["errors"]) == 10


class Form(StrictSerializer):
    """Something with one field to write and one to read."""

    name = serializers.CharField()
    state = serializers.CharField(read_only=True)


def test_a_misspelt_field_is_named_with_those_that_can_be_written() -> None:
    form = Form(data={"name": "x", "nmae": "y"})
    assert not form.is_valid()
    assert form.errors == {"nmae": ["There is no such field; known are name."]}


def test_a_name_that_cannot_be_printed_is_answered_all_the_same() -> None:
    form = Form(data={"name": "x", "half \ud800": 1, "y" * 300: 2})
    assert not form.is_valid()
    assert set(form.errors) == {"half ?", "y" * 100}
