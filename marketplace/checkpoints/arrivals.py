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
    """Begin the upload of a model in pieces: the draft is checked now, the rest by a worker.

    Without a draft the file is held until a manifest says which model it is. `about_file` has
    `file_name`, `sha256` and `metadata`, as far as they are known.
    """
    fields = draft_check(owner=owner, draft=draft) if draft else {}
    return upload_begin(owner=owner, fields=fields, length=length, held=draft is None, **about_file)


@receiver(upload_finished)
def make_checkpoint(upload: Upload, **_: Any) -> None:
    """Make the model of a finished upload; it has the upload's id.

    Of an owner who has left the team meanwhile it becomes private.
    """
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
