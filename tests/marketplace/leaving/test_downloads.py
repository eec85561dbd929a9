"""How the zip is sent."""

from marketplace.accounts.models import User
from marketplace.leaving.downloads import export_response


def test_it_is_streamed_for_no_cache_under_a_name_that_names_no_one(alice: User) -> None:
    answer = export_response(alice)
    assert answer.streaming and "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="freehold-2')
