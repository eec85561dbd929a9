"""Which moves a model makes."""

from marketplace.checkpoints.states import MOVES, S, sources_of


def test_every_state_has_its_moves_and_sources_mirror_them() -> None:
    assert set(MOVES) == set(S)
    for to in S:
        assert sources_of(to) == {source for source in MOVES if to in MOVES[source]}


def test_a_model_is_judged_only_by_a_worker_and_can_always_be_read_again() -> None:
    assert sources_of(S.VALID) == sources_of(S.REJECTED) == {S.VALIDATING}
    assert sources_of(S.UPLOADED) == {S.VALIDATING, S.VALID, S.REJECTED}


def test_every_state_can_be_reached_from_the_upload() -> None:
    reached, new = {S.UPLOADED}, {S.UPLOADED}
    while new:
        new = {to for source in new for to in MOVES[source]} - reached
        reached |= new
    assert reached == set(S)
