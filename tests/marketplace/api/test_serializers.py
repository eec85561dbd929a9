"""What comes in is read strictly, and what goes out is as documented."""

from rest_framework.test import APIClient

API = "/api/v1"
LEAKED = f"{API}/credentials/revoke/"


def test_of_many_wrong_entries_the_first_are_named(anybody: APIClient, db: None) -> None:
    answer = anybody.post(LEAKED, {"credentials": [[]] * 100})
    sentences = answer.json()["errors"]["credentials"]
    assert len(sentences) == 10 and sentences[0].startswith("Entry 1:")


def test_of_many_unknown_fields_some_are_named(anybody: APIClient, db: None) -> None:
    answer = anybody.post(LEAKED, {f"field {number}": 1 for number in range(2000)})
    assert answer.status_code == 400 and len(answer.json()["errors"]) == 10
