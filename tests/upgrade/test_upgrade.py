"""An instance of an earlier release goes forward with everything it has."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.instance import Instance
from tests.tools import find_postgres, postgres_server

pytestmark = pytest.mark.long

RELEASES = sorted(path.name for path in Path(__file__).parent.glob("release_*"))


@pytest.fixture
def postgresql() -> Iterator[dict[str, str]]:
    """A fresh database."""
    if not find_postgres():
        pytest.skip("PostgreSQL is not on this machine")
    with postgres_server() as url:
        yield {"DATABASE_URL": url}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Instance:
    """An instance of which no process runs."""
    given = {} if request.param == "sqlite" else request.getfixturevalue("postgresql")
    return Instance(tmp_path, given)


@pytest.mark.parametrize("release", RELEASES)
def test_it_migrates_and_pages_api_token_and_password_still_answer(
    instance: Instance, release: str
) -> None:
    code = f"from tests.upgrade.look import run; run({release!r})"
    found = json.loads(instance.manage("shell", "--no-imports", "-c", code).splitlines()[-1])
    assert found["pages"].pop("signed in") == 1
    assert set(found["pages"].values()) == {200}, found["pages"]
    assert len(found["pages"]) == 20
    api = found["api"]
    assert api["models"] == {
        "robins": "valid", "wrens": "valid", "owls": "valid",
        "broken": "rejected", "new": "uploaded",
    }  # fmt: skip
    states = ("queued", "running", "failed", "cancelled", "succeeded")
    assert api["jobs"] == {state: state for state in states}
    assert api["curve"]["loss"] == [[1, 1.0], [2, 0.5], [3, pytest.approx(1 / 3)]]
    assert (api["events"], api["learner"]) == (2, True)
    # The token of then may still write, or the upgrade takes away what scripts could do.
    assert api["changed"] == 200
    assert found["clock"] == {"queued": 2, "running": 0}
