"""Pictures that come as files of a form stay in memory."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import SkipFile
from django.test import RequestFactory
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.api.picture_forms import FIELD, PicturesHandler
from marketplace.checkpoints.checked import MAX_PICTURES
from marketplace.core.errors import DomainError, TooLarge


def handler(user: User | AnonymousUser) -> PicturesHandler:
    """A handler of this person's form."""
    request: Any = RequestFactory().post("/")
    request.user = user
    return PicturesHandler(request)


def begin(handler: PicturesHandler, field: str = FIELD) -> None:
    handler.new_file(field, "wren.png", "image/png", None)


def test_the_pieces_of_a_picture_become_one_file_in_memory() -> None:
    taking = handler(User(username="alice"))
    begin(taking)
    for start, piece in ((0, b"pix"), (3, b"els")):
        taking.receive_data_chunk(piece, start)
    file = taking.file_complete(6)
    assert isinstance(file, InMemoryUploadedFile)
    assert (file.name, file.size, file.read()) == ("wren.png", 6, b"pixels")


def test_files_of_strangers_and_of_other_fields_are_not_taken() -> None:
    for user, field in ((AnonymousUser(), FIELD), (User(username="alice"), "file")):
        with pytest.raises(SkipFile):
            begin(handler(user), field)


def test_one_picture_too_many_is_refused_when_it_begins() -> None:
    taking = handler(User(username="alice"))
    for _ in range(MAX_PICTURES):
        begin(taking)
    with pytest.raises(DomainError, match=f"at most {MAX_PICTURES}") as refused:
        begin(taking)
    assert set(refused.value.fields) == {FIELD}


def test_a_form_that_announces_too_much_is_not_read(settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 2**20
    taking = handler(User(username="alice"))
    taking.handle_raw_input(None, {}, 2**20)
    with pytest.raises(TooLarge, match="more than 1 MiB"):
        taking.handle_raw_input(None, {}, 2**20 + 1)
