"""Many people invite and answer at the same time, on a real database."""

import json
from pathlib import Path

import pytest

from tests.journeys.instance import Instance
from tests.tools import find_postgres, postgres_server

pytestmark = pytest.mark.long


def race(folder: Path, environment: dict[str, str]) -> dict[str, object]:
    """What the threads came to."""
    code = "from tests.marketplace.accounts.at_once import run; run()"
    said = Instance(folder, environment).manage("shell", "--no-imports", "-c", code)
    found: dict[str, object] = json.loads(said.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)]
)
def test_invitations_at_the_same_time_make_one_row_and_keep_the_quota(
    tmp_path: Path, database: str
) -> None:
    if database == "sqlite":
        found = race(tmp_path, {})
    elif find_postgres():
        with postgres_server() as url:
            found = race(tmp_path, {"DATABASE_URL": url})
    else:
        pytest.skip("PostgreSQL is not on this machine")
    answers = found.pop("answers")
    assert isinstance(answers, dict) and set(answers) <= {"done", "refused"}, answers
    assert found == {
        "same name": {"done": 16},
        "rows": 1,
        "other names": {"done": 16},
        "pending": 46,
        "beyond the quota": {"done": 4, "refused": 12},
        "full": 50,
    }
