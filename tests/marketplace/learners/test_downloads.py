"""The zip is made while it is sent."""

from django.core.files.base import ContentFile

from marketplace import storage
from marketplace.learners.downloads import learner_zip


def test_no_part_of_the_zip_holds_a_whole_large_file(learner):
    content = bytes(3_000_000)
    storage.put_stream(storage.learner_key(learner.pk, "large.bin"), ContentFile(content))
    learner.files = [{"path": "large.bin", "size": len(content), "sha256": "0" * 64}]
    parts = list(learner_zip(learner))
    assert sum(map(len, parts)) > len(content)
    assert max(map(len, parts)) < 300_000
