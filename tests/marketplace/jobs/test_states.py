"""Which moves a job makes."""

from marketplace.jobs.states import FINAL, LEASED, MOVES, S, sources_of


def test_every_state_has_its_moves_and_sources_mirror_them() -> None:
    assert set(MOVES) == set(S)
    for to in S:
        assert sources_of(to) == {source for source in MOVES if to in MOVES[source]}


def test_nothing_leaves_success_and_only_resting_states_are_final() -> None:
    assert MOVES[S.SUCCEEDED] == frozenset()
    assert FINAL | LEASED | {S.QUEUED} == set(S)


def test_every_state_can_be_reached() -> None:
    reached, new = {S.QUEUED}, {S.QUEUED}
    while new:
        new = {to for source in new for to in MOVES[source]} - reached
        reached |= new
    assert reached == set(S)
