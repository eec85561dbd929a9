"""Who sees which meta-learners, and which of their files."""

from typing import Any

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.learners.models import MetaLearner
from marketplace.learners.permissions import can_edit_learner
from marketplace.learners.selectors import (
    NOT_SHARED,
    learner_file,
    learner_lineage,
    learners_editable_by,
    learners_usable_by,
    learners_visible_to,
)
from tests.marketplace.conftest import LEARNER_FILES


def test_a_file_is_found_by_exactly_its_path(learner: MetaLearner) -> None:
    assert learner_file(learner, "browser/adapt.onnx")["size"] == 5
    for path in ("", "browser", "Model.safetensors", "./config.json", "../config.json"):
        assert learner_file(learner, path) is None
    assert learner.size_bytes == sum(len(content) for content in LEARNER_FILES.values())


def test_learners_are_seen_by_whom_they_are_shared_with(
    learner: MetaLearner, shared: Any, alice: User, bob: User, charlie: User
) -> None:
    for name, seen in {"private": 0, "team": 1, "public": 2}.items():
        for field, value in getattr(shared, name).items():
            setattr(learner, field, value)
        learner.save()
        assert learners_visible_to(alice).count() == 1
        assert [learners_visible_to(user).count() for user in (bob, charlie)] == [
            int(seen >= 1),
            int(seen >= 2),
        ]
        assert learners_editable_by(bob).count() == 0
    assert can_edit_learner(alice, learner) and not can_edit_learner(bob, learner)


def test_what_it_was_made_from_is_named_only_to_whom_that_is_shared_with(
    learner: MetaLearner, alice: User, charlie: User
) -> None:
    (mine,) = learner_lineage(learner, alice)
    assert (mine["name"], mine["architecture"], mine["copied"]) == ("birds", "conv4", False)
    (theirs,) = learner_lineage(learner, charlie)
    assert (theirs["name"], theirs["owner"], theirs["architecture"]) == (NOT_SHARED, "", "conv4")


def test_a_learner_that_copies_a_hidden_model_is_not_there_for_others(
    learner: MetaLearner, shared: Any, alice: User, charlie: User
) -> None:
    MetaLearner.objects.update(**shared.public)
    assert learners_usable_by(charlie).exists()
    learner.copied_models.set(Checkpoint.objects.all()[:1])
    assert not learners_visible_to(charlie).exists()
    row = vars(learners_visible_to(alice).get())
    assert (row["copies_weights"], row["usable"]) == (True, True)
