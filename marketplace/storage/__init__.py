"""Storage: keys, files, growing files and errors."""

from marketplace.storage.files import (
    CHUNK_BYTES,
    adopt_file,
    fetch,
    is_local,
    local_copy,
    local_directory,
    names_in,
    put_file,
    put_stream,
    remove,
    stored_chunks,
    sync,
)
from marketplace.storage.keys import (
    adaptation_key,
    checkpoint_key,
    incoming_key,
    learner_key,
    snapshot_prefix,
)

__all__ = [
    "CHUNK_BYTES",
    "adaptation_key",
    "adopt_file",
    "checkpoint_key",
    "fetch",
    "incoming_key",
    "is_local",
    "learner_key",
    "local_copy",
    "local_directory",
    "names_in",
    "put_file",
    "put_stream",
    "remove",
    "snapshot_prefix",
    "stored_chunks",
    "sync",
]
