"""From an upload to a model that waits for validation."""

from typing import Any

from django.dispatch import receiver

from marketplace.accounts.models import User
from marketplace.checkpoints.drafts import CheckpointDraft, draft_check
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import checkpoint_arrived
from marketplace.uploads.models import Upload
from marketplace.uploads.services import upload_begin
from marketplace.uploads.signals import upload_finished


def checkpoint_upload_begin(
    *, owner: User, draft: CheckpointDraft | None, length: int, **about_file: str
) -> Upload:
    """Begin the upload of a model in pieces. The draft is checked now, the file later by a worker.

    Without a draft the file is held until a manifest describes it. `about_file` may contain
    `file_name`, `sha256` and `metadata`.
    """
    fields = draft_check(owner=owner, draft=draft) if draft else {}
    return upload_begin(owner=owner, fields=fields, length=length, held=draft is None, **about_file)


@receiver(upload_finished)
def make_checkpoint(upload: Upload, **_: Any) -> None:
    """Create the model of a finished upload, private if its owner has left the team since."""
    fields = dict(upload.fields)
    sharing = Checkpoint.sharing_kept(upload.owner, fields.pop("visibility"), upload.team)
    checkpoint = Checkpoint(
        pk=upload.pk,
        owner=upload.owner,
        upload_sha256=upload.sha256,
        upload_bytes=upload.length,
        **sharing,
        **fields,
    )
    checkpoint_arrived(checkpoint=checkpoint)
