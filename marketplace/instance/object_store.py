"""Settings of the object store, from the environment."""

from typing import Any

import environ


def object_store(env: environ.Env) -> dict[str, Any]:
    """Return the entry of STORAGES for the bucket that `FREEHOLD_S3_BUCKET` names."""
    # Only here: boto3 is installed only where an object store is used.
    from botocore.config import Config

    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env.str("FREEHOLD_S3_BUCKET"),
            "endpoint_url": env.str("FREEHOLD_S3_ENDPOINT", "") or None,
            "region_name": env.str("FREEHOLD_S3_REGION", "") or None,
            "access_key": env.str("FREEHOLD_S3_ACCESS_KEY", "") or None,
            "secret_key": env.str("FREEHOLD_S3_SECRET_KEY", "") or None,
            "default_acl": None,
            "file_overwrite": True,
            "querystring_auth": True,
            # What Django opens, a card or a snapshot: a larger one lies in a temporary file.
            "max_memory_size": 8 * 2**20,
            "client_config": Config(
                s3={"addressing_style": env.str("FREEHOLD_S3_ADDRESSING", "path")},
                # Some stores answer a part of an object with the checksum of the whole, and boto3
                # then refuses good bytes.
                response_checksum_validation="when_required",
            ),
        },
    }
