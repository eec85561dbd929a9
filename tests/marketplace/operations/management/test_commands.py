"""`manage.py prepare`, `backup` and `restore`."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from marketplace.operations.management.commands.prepare import make_bucket


class Bucket:
    """A bucket of a store that answers with this code."""

    name = "freehold"

    def __init__(self, code: str) -> None:
        self.meta, self.client = self, self
        self.made: list[Any] = []
        self._code = code

    def head_bucket(self, **_: Any) -> None:
        """Whether it is there."""
        if self._code:
            raise ClientError({"Error": {"Code": self._code}}, "HeadBucket")

    def create_bucket(self, **named: Any) -> None:
        """Make it."""
        self.made.append(named["Bucket"])


@pytest.mark.parametrize(("code", "made"), [("404", ["freehold"]), ("", [])])
def test_a_bucket_is_made_when_there_is_none(code: str, made: list[Any]) -> None:
    bucket = Bucket(code)
    assert make_bucket(bucket) is bool(made)
    assert bucket.made == made


def test_a_bucket_that_we_may_not_see_is_not_made() -> None:
    with pytest.raises(ClientError):
        make_bucket(Bucket("403"))
