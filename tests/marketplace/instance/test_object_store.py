"""The object store of the environment. `tests/marketplace/storage` uses a real one."""

from django.core.files.storage import storages
from django.test import override_settings

from marketplace.instance.environment import read_environment
from marketplace.instance.object_store import object_store


def test_what_is_not_set_is_left_to_boto3() -> None:
    options = object_store(read_environment({"FREEHOLD_S3_BUCKET": "files"}))["OPTIONS"]
    assert options["bucket_name"] == "files"
    assert [options[name] for name in ("endpoint_url", "region_name", "access_key")] == [None] * 3


def test_a_bucket_may_be_addressed_by_host() -> None:
    variables = {"FREEHOLD_S3_BUCKET": "files", "FREEHOLD_S3_ADDRESSING": "virtual"}
    config = object_store(read_environment(variables))["OPTIONS"]["client_config"]
    assert config.s3 == {"addressing_style": "virtual"}


def test_links_to_an_object_are_signed() -> None:
    variables = {
        "FREEHOLD_S3_BUCKET": "files",
        "FREEHOLD_S3_ENDPOINT": "https://store.example",
        "FREEHOLD_S3_REGION": "eu-1",
        "FREEHOLD_S3_ACCESS_KEY": "key",
        "FREEHOLD_S3_SECRET_KEY": "secret",
    }
    with override_settings(STORAGES={"default": object_store(read_environment(variables))}):
        link = storages["default"].url("a/b")
    assert link.startswith("https://store.example/files/a/b?")
    assert "Signature=" in link
