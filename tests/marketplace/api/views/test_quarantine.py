"""`checkpoints/{id}/quarantine/`."""

from collections.abc import Callable
from typing import Any

from marketplace.accounts.models import User

WHY = "It was trained on pictures of people."


def test_staff_do_it_by_the_api_and_nobody_else(
    make_checkpoint: Callable[..., Any],
    alice: User,
    charlie: User,
    sam: User,
    client_of: Callable[..., Any],
) -> None:
    row = make_checkpoint(visibility="public")
    address = f"/api/v1/checkpoints/{row.pk}/"
    for person in (alice, charlie):
        answer = client_of(person).post(f"{address}quarantine/", {"reason": WHY}, format="json")
        assert answer.status_code == 403 and "staff" in answer.json()["detail"]
    staff = client_of(sam)
    assert staff.post(f"{address}quarantine/", {}, format="json").status_code == 400
    done = staff.post(f"{address}quarantine/", {"reason": WHY}, format="json")
    assert done.status_code == 200 and done.json()["quarantine_reason"] == WHY
    assert client_of(charlie).get(address).status_code == 404
    assert client_of(alice).get(address).json()["quarantine_reason"] == WHY
    refused = client_of(alice).get(f"{address}download/")
    assert refused.status_code == 409 and "in quarantine" in refused.json()["detail"]
    listed = staff.get("/api/v1/checkpoints/").json()
    assert listed["count"] == 0
    assert staff.delete(f"{address}quarantine/").status_code == 200
    assert client_of(charlie).get(f"{address}download/").status_code == 200
