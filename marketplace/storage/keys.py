"""Keys of stored files. All keys are built here, never from user input."""

from uuid import UUID


def incoming_key(upload_id: UUID) -> str:
    """Return the key of an upload until it is read, or for a day if it may be read again."""
    return f"incoming/{upload_id}"


def checkpoint_key(checkpoint_id: UUID, attempt: int = 0) -> str:
    """Return the key of a validated checkpoint, by the attempt that wrote it.

    Attempts therefore never overwrite each other's files. Files of early releases have attempt 0.
    """
    number = f"-{attempt}" if attempt else ""
    return f"checkpoints/{checkpoint_id}/model{number}.safetensors"


def snapshot_prefix(job_id: UUID) -> str:
    return f"snapshots/{job_id}"


def learner_key(learner_id: UUID, path: str) -> str:
    return f"learners/{learner_id}/{path}"


def adaptation_key(session_id: UUID) -> str:
    """Return the key of the sealed pictures of one adaptation request."""
    return f"adaptations/{session_id}"
