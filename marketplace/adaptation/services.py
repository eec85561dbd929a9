from collections.abc import Mapping, Sequence
from typing import Any

from contract.adaptation import InvalidRequest, check_request
from marketplace.accounts.selectors import Person
from marketplace.adaptation.sessions import Asked, session_run
from marketplace.audit.states import Act
from marketplace.core.errors import DomainError
from marketplace.learners.models import MetaLearner


def adaptation_run(
    *,
    user: Person,
    learner: MetaLearner,
    support: Sequence[Mapping[str, str]],
    query: Sequence[str],
    calibrate: bool,
    settings_: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Have a worker adapt the meta-learner and label the queries, and wait for the answer.

    `support` is [{"label", "image"}] with base64 files. The pictures are removed in every case.
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
    """Raise DomainError for impossible counts. Pictures are decoded later."""
    try:
        check_request([example["label"] for example in support], len(query))
    except InvalidRequest as error:
        raise DomainError(str(error), fields={error.field: str(error)}) from None
