"""Names out of a hostile file are safe to show."""

import pytest

from metalearn.checkpoint.limits import MAX_NAME_LENGTH
from metalearn.checkpoint.printable import check_tensor_name, shown
from metalearn.errors import InvalidCheckpoint


def test_control_characters_are_replaced_and_long_texts_cut_off() -> None:
    assert shown("a\x1b[2Jb") == "a\ufffd[2Jb"
    assert shown("abcdef", 3) == "abc…"
    assert shown("abc", 3) == "abc"


def test_a_sensible_name_is_given_back() -> None:
    assert check_tensor_name("blocks.0.größe") == "blocks.0.größe"


@pytest.mark.parametrize("name", ["", "a\nb", "a\u202eb", "x" * (MAX_NAME_LENGTH + 1), 3, None])
def test_a_name_that_is_no_sensible_text_is_refused(name: object) -> None:
    with pytest.raises(InvalidCheckpoint, match="tensor"):
        check_tensor_name(name)
