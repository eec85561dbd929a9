"""A DomainError that no form caught becomes a page."""

from django.http import HttpResponse
from django.test import RequestFactory

from marketplace.accounts.models import User
from marketplace.core.errors import Conflict, TooMany
from marketplace.core.middleware import DomainErrorMiddleware


def test_a_refusal_is_a_page_with_its_sentence_status_and_headers(alice: User) -> None:
    request = RequestFactory().get("/jobs/")
    request.user = alice
    middleware = DomainErrorMiddleware(lambda _: HttpResponse("fine"))
    page = middleware.process_exception(request, TooMany("Two wait <already>.", retry_after_s=10))
    assert page is not None and (page.status_code, page["Retry-After"]) == (429, "10")
    assert "Two wait &lt;already&gt;." in page.content.decode()
    again = middleware.process_exception(request, Conflict("No."))
    assert again is not None and "Retry-After" not in again


def test_other_errors_and_answers_are_left_to_django() -> None:
    middleware = DomainErrorMiddleware(lambda _: HttpResponse("fine"))
    request = RequestFactory().get("/")
    assert middleware.process_exception(request, ValueError("a bug")) is None
    assert middleware(request).content == b"fine"
