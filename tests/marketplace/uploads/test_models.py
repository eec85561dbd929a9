"""The row of an upload in pieces."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError

from marketplace.uploads.models import Upload


@pytest.mark.parametrize("offset", [11, -1])
def test_the_database_keeps_no_offset_outside_of_the_file(
    begin: Callable[..., Upload], offset: int
) -> None:
    upload = begin(10)
    Upload.objects.filter(pk=upload.pk).update(offset=10)
    with pytest.raises(IntegrityError):
        Upload.objects.filter(pk=upload.pk).update(offset=offset)


def test_an_upload_says_how_far_it_is() -> None:
    assert str(Upload(offset=3, length=10)) == "3 of 10 bytes"
