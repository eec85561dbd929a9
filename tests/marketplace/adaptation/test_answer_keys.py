"""What is sealed for a session's key is opened by it alone."""

import pytest
from pytest_django import Settings

from marketplace.adaptation.answer_keys import AnswerKey, seal_answer
from marketplace.core.secrets import Undecryptable


def test_the_holder_of_the_private_key_opens_the_answer() -> None:
    own = AnswerKey()
    sealed = seal_answer(b"robin", public=own.public, purpose="one")
    assert b"robin" not in sealed
    assert own.unseal(sealed, purpose="one") == b"robin"


def test_two_answers_of_the_same_words_have_no_bytes_in_common_to_compare() -> None:
    own = AnswerKey()
    one, other = (seal_answer(b"robin", public=own.public, purpose="one") for _ in range(2))
    assert one[:32] != other[:32] and one[32:] != other[32:]


@pytest.mark.parametrize("change", ["key", "purpose", "instance", "byte", "nothing"])
def test_nothing_else_opens_it(settings: Settings, change: str) -> None:
    own = AnswerKey()
    sealed, purpose = seal_answer(b"robin", public=own.public, purpose="one"), "one"
    if change == "key":
        own = AnswerKey()
    elif change == "purpose":
        purpose = "other"
    elif change == "instance":
        settings.SECRET_KEY = "another instance"
    elif change == "byte":
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    else:
        sealed = b""
    with pytest.raises(Undecryptable):
        own.unseal(sealed, purpose=purpose)
