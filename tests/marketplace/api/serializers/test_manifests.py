"""A manifest: several models described in one request."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile

from marketplace.accounts.models import User
from marketplace.api.serializers.manifests import ManifestSerializer
from marketplace.checkpoints.manifests import MAX_MODELS, ManifestEntry
from tests.marketplace.api.asking import asked_by

FILE = ContentFile(b"tensors", name="birds.pt")


def entry(user: User, **said: Any) -> ManifestEntry:
    """What is understood of one entry of a form with one file."""
    context = {**asked_by(user), "files": {"first": FILE}}
    shape = ManifestSerializer(data={"models": [said]}, context=context)
    assert shape.is_valid(), shape.errors
    (found,) = shape.entries()
    return found


def test_an_entry_names_a_part_of_the_form_or_an_upload(alice: User) -> None:
    pk = uuid4()
    part, upload = entry(alice, name="Birds", part="first"), entry(alice, name="x", upload=str(pk))
    assert (part.file, part.file_name, part.upload) == (FILE, "birds.pt", None)
    assert (upload.file, upload.upload) == (None, pk)
    assert part.draft is not None and part.draft.name == "Birds" and not part.wrong


@pytest.mark.parametrize(
    ("said", "field", "words"),
    [
        ({}, "upload", "either"),
        ({"part": "first", "upload": str(uuid4())}, "upload", "either"),
        ({"part": "second"}, "part", "no file"),
        ({"part": "first", "mean": ["half"]}, "mean", "valid number"),
        ({"part": "first", "colour": "red"}, "colour", "no such field"),
    ],
)
def test_what_is_wrong_with_an_entry_is_kept_beside_its_name(
    alice: User, said: dict[str, Any], field: str, words: str
) -> None:
    found = entry(alice, name="Birds", **said)
    assert (found.name, found.draft) == ("Birds", None)
    assert list(found.wrong) == [field] and words in found.wrong[field]


@pytest.mark.parametrize("count", [0, MAX_MODELS + 1])
def test_a_manifest_has_one_to_fifty_models(alice: User, count: int) -> None:
    shape = ManifestSerializer(data={"models": [{}] * count}, context=asked_by(alice))
    assert not shape.is_valid() and set(shape.errors) == {"models"}
