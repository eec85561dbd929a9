"""What every refusal of the API looks like."""

from typing import Any


def assert_problem(answer: Any, status: int) -> None:
    """The answer is a problem document with this status."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) <= {"type", "title", "status", "detail", "errors"}
    assert body["type"] == "about:blank" and body["status"] == status
    assert body["title"] and body["detail"]
