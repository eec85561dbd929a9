"""Three records of Alice."""

import pytest

from marketplace.accounts.models import Team, User
from marketplace.audit.models import Record
from marketplace.audit.services import record
from marketplace.audit.states import Act


@pytest.fixture
def three(alice: User, bob: User, team: Team) -> list[Record]:
    """Three records."""
    return [record(Act.TEAM_MADE, by=alice, row=team, name="Botany") for _ in range(3)]
