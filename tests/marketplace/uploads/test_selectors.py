"""Whose unfinished uploads are seen, and for how long."""

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.checkpoints.arrivals import checkpoint_upload_begin
from marketplace.uploads.models import Upload
from marketplace.uploads.selectors import uploads_of
from tests.marketplace.checkpoints.uploading import DRAFT


def test_unfinished_uploads_are_their_owners_until_they_expire(alice: User, bob: User) -> None:
    upload = checkpoint_upload_begin(owner=alice, draft=DRAFT, length=10)
    assert list(uploads_of(alice)) == [upload]
    assert not uploads_of(bob).exists() and not uploads_of(AnonymousUser()).exists()
    Upload.objects.update(expires_at=timezone.now())
    assert not uploads_of(alice).exists()
