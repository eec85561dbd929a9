"""The zip is made while it is sent."""

from django.core.files.base import ContentFile
from django.test import Client

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.learners.downloads import learner_zip
from marketplace.learners.models import MetaLearner


def test_no_part_of_the_zip_holds_a_whole_large_file(learner: MetaLearner) -> None:
    content = bytes(3_000_000)
    storage.put_stream(storage.learner_key(learner.pk, "large.bin"), ContentFile(content))
    learner.files = [{"path": "large.bin", "size": len(content), "sha256": "0" * 64}]
    parts = list(learner_zip(learner))
    assert sum(map(len, parts)) > len(content)
    assert max(map(len, parts)) < 300_000


def test_whatever_is_downloaded_cannot_run_in_a_browser(
    client: Client, alice: User, learner: MetaLearner
) -> None:
    client.force_login(alice)
    for path in ("download/", "files/README.md", "files/config.json", "files/browser/adapt.onnx"):
        answer = client.get(f"/learners/{learner.pk}/{path}")
        assert answer["Content-Disposition"].startswith("attachment"), path
        assert answer["X-Content-Type-Options"] == "nosniff", path
        assert "default-src 'none'" in answer["Content-Security-Policy"], path
        assert answer["X-Frame-Options"] == "DENY", path
