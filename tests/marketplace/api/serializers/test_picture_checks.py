"""Checks with pictures as JSON, and as a form."""

import base64
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict

from marketplace.api.serializers.picture_checks import PictureCheckSerializer
from marketplace.checkpoints.checked import MAX_PICTURES


def form(pictures: list[Any], labels: list[str]) -> QueryDict:
    """What a form brings."""
    data = QueryDict(mutable=True)
    data.setlist("pictures", pictures)
    data.setlist("labels", labels)
    return data


def picture(content: bytes = b"pixels") -> SimpleUploadedFile:
    return SimpleUploadedFile("wren.png", content)


def test_a_form_and_json_are_the_same_request() -> None:
    sent = form([picture(b"one"), picture(b"two")], ["robin", "wren"])
    shape = PictureCheckSerializer(data=sent)
    assert shape.is_valid(), shape.errors
    images = [base64.b64encode(content).decode() for content in (b"one", b"two")]
    assert shape.validated_data["pictures"] == [
        {"label": "robin", "image": images[0]},
        {"label": "wren", "image": images[1]},
    ]
    again = PictureCheckSerializer(data={"pictures": shape.validated_data["pictures"]})
    assert again.is_valid() and again.validated_data == shape.validated_data


@pytest.mark.parametrize(
    ("pictures", "labels", "field", "words"),
    [
        ([picture()], ["robin", "wren"], "labels", "there are 1 pictures and 2 labels"),
        (["text"], ["robin"], "pictures", "Send the files themselves"),
    ],
)
def test_a_form_that_does_not_fit_together_says_why(
    pictures: list[Any], labels: list[str], field: str, words: str
) -> None:
    shape = PictureCheckSerializer(data=form(pictures, labels))
    assert not shape.is_valid()
    assert words in str(shape.errors[field])


def test_too_many_pictures_are_refused_by_their_number() -> None:
    one = {"label": "robin", "image": "AAAA"}
    shape = PictureCheckSerializer(data={"pictures": [one] * (MAX_PICTURES + 1)})
    assert not shape.is_valid()
    assert shape.errors["pictures"] == [f"Give at most {MAX_PICTURES} pictures at a time."]
