"""A receipt is plain data."""

from django.utils import timezone

from marketplace.leaving.receipts import Receipt


def test_it_names_what_stays_only_if_there_is_some() -> None:
    receipt = Receipt(account=7, closed_at=timezone.now(), deleted={"models": 2})
    receipt.keep("pools", 0, "There are none.")
    receipt.keep("records", None, "They are not counted.")
    receipt.keep("models", 1, "A job has used it.")
    data = receipt.as_data()
    assert (data["account"], data["deleted"]) == (7, {"models": 2})
    assert data["kept"] == [
        {"what": "records", "n": None, "why": "They are not counted."},
        {"what": "models", "n": 1, "why": "A job has used it."},
    ]
