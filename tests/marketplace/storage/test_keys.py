"""Keys of storage."""

from uuid import uuid4

from marketplace import storage


def test_keys_of_different_things_never_meet() -> None:
    pk = uuid4()
    keys = {
        storage.incoming_key(pk), storage.checkpoint_key(pk), storage.snapshot_prefix(pk),
        storage.learner_key(pk, "model.safetensors"), storage.adaptation_key(pk),
    }  # fmt: skip
    assert len({key.split("/")[0] for key in keys}) == len(keys)
