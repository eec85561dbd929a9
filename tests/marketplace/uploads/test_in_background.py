"""Pieces are worked on beside the connection that brings them."""

import os

import pytest

from marketplace.uploads.in_background import InBackground


def test_pieces_are_handed_on_in_their_order() -> None:
    pieces = [os.urandom(1000) for _ in range(50)]
    seen: list[bytes] = []
    work = InBackground(seen.append)
    for piece in pieces:
        work.put(piece)
    work.finish()
    assert seen == pieces


def test_an_error_in_the_background_comes_back_at_the_next_piece_or_the_end() -> None:
    def fail(data: bytes) -> None:
        raise OSError("full")

    work = InBackground(fail)
    work.put(b"x")
    with pytest.raises(OSError, match="full"):
        work.put(b"y")
    with pytest.raises(OSError, match="full"):
        work.finish()
