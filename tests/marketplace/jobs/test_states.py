"""Which moves there are."""

from types import ModuleType

import pytest

from marketplace.checkpoints import states as checkpoint_states
from marketplace.jobs import states as job_states


@pytest.mark.parametrize("module", [job_states, checkpoint_states])
def test_every_state_has_its_moves_and_sources_mirror_them(module: ModuleType) -> None:
    moves = module.MOVES
    assert set(moves) == set(module.S)
    for to in module.S:
        assert module.sources_of(to) == {source for source in moves if to in moves[source]}


def test_nothing_leaves_success_and_only_resting_states_are_final() -> None:
    assert job_states.MOVES[job_states.S.SUCCEEDED] == frozenset()
    assert job_states.FINAL | job_states.LEASED | {job_states.S.QUEUED} == set(job_states.S)


def test_every_state_can_be_reached() -> None:
    for module in (job_states, checkpoint_states):
        first = next(iter(module.S))
        reached, new = {first}, {first}
        while new:
            new = {to for source in new for to in module.MOVES[source]} - reached
            reached |= new
        assert reached == set(module.S)
