"""One adaptation request: pictures in, predictions out, nothing kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.accounts.selectors import Person
from marketplace.adaptation.sessions import Asked, session_run
from marketplace.audit.states import Act
from marketplace.core.errors import DomainError
from marketplace.learners.models import MetaLearner

MIN_CLASSES, MAX_CLASSES = 2, 20
MAX_PER_CLASS = 50
MAX_QUERIES = 200
MAX_LABEL_LENGTH = 100


def adaptation_run(
    *,
    user: Person,
    learner: MetaLearner,
    support: Sequence[Mapping[str, str]],
    query: Sequence[str],
    calibrate: bool,
    settings_: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Have a worker adapt the meta-learner and label the queries; wait for the answer.

    `support` is [{"label", "image"}], images the base64 of their files. Whatever happens, the
    pictures are gone when this returns.
    """
    request_check(support=support, query=query)
    counts = {"support": len(support), "query": len(query)}
    return session_run(
        user=user,
        asked=Asked(learner, Act.LEARNER_ADAPTED, counts),
        payload={
            "support": list(support),
            "query": list(query),
            "calibrate": calibrate,
            "settings": dict(settings_ or {}),
        },
    )


def request_check(*, support: Sequence[Mapping[str, str]], query: Sequence[str]) -> None:
    """DomainError with a sentence for counts that cannot work; pictures are decoded later."""
    counts: dict[str, int] = {}
    for example in support:
        label = example["label"].strip()
        if not label or len(label) > MAX_LABEL_LENGTH:
            _refuse("support", f"Every class needs a name of 1 to {MAX_LABEL_LENGTH} characters.")
        counts[label] = counts.get(label, 0) + 1
    if not MIN_CLASSES <= len(counts) <= MAX_CLASSES:
        _refuse(
            "support",
            f"Name {MIN_CLASSES} to {MAX_CLASSES} classes with pictures; there are {len(counts)}.",
        )
    for label, count in counts.items():
        if count > MAX_PER_CLASS:
            _refuse(
                "support",
                f"“{label}” has {count} pictures; give at most {MAX_PER_CLASS} to a class.",
            )
    if len(query) > MAX_QUERIES:
        _refuse("query", f"Ask about at most {MAX_QUERIES} pictures at a time.")


def _refuse(field: str, message: str) -> None:
    raise DomainError(message, fields={field: message})
