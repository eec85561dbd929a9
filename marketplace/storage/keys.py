"""Where files live: every key is chosen here, never by a person."""

from uuid import UUID


def incoming_key(upload_id: UUID) -> str:
    """The upload as it came, until it is read; what may be read again stays for a day."""
    return f"incoming/{upload_id}"


def checkpoint_key(checkpoint_id: UUID, attempt: int = 0) -> str:
    """Our own re-serialisation of a checkpoint, by the attempt that wrote it.

    So no attempt writes over another's file. Files from before attempts were told apart have 0.
    """
    number = f"-{attempt}" if attempt else ""
    return f"checkpoints/{checkpoint_id}/model{number}.safetensors"


def snapshot_prefix(job_id: UUID) -> str:
    """The folder of a job's snapshots."""
    return f"snapshots/{job_id}"


def learner_key(learner_id: UUID, path: str) -> str:
    """One file of a learner directory."""
    return f"learners/{learner_id}/{path}"


def adaptation_key(session_id: UUID) -> str:
    """The sealed pictures of one adaptation request, for its length only."""
    return f"adaptations/{session_id}"
