"""The row of a meta-learner."""

from marketplace.learners.models import MetaLearner


def test_its_size_is_that_of_all_files_together() -> None:
    files = [{"path": "a", "size": 3, "sha256": ""}, {"path": "b", "size": 4, "sha256": ""}]
    assert MetaLearner(files=files).size_bytes == 7
    assert MetaLearner(files=[]).size_bytes == 0
