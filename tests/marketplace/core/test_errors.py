"""Errors whose text is shown to people."""

from marketplace.core.errors import (
    Busy,
    Conflict,
    DomainError,
    Forbidden,
    InsufficientStorage,
    TooLarge,
    TooMany,
)


def test_each_kind_of_refusal_has_its_status() -> None:
    kinds = (DomainError, Forbidden, Conflict, TooLarge, TooMany, Busy, InsufficientStorage)
    assert [kind("x").status for kind in kinds] == [400, 403, 409, 413, 429, 503, 507]
    assert len({kind.title for kind in kinds}) == len(kinds)


def test_the_time_to_wait_is_a_header_where_it_is_known() -> None:
    assert TooMany("Later.", retry_after_s=10).headers == {"Retry-After": "10"}
    assert TooMany("Later.").headers == {}


def test_an_error_without_fields_has_an_empty_table_of_its_own() -> None:
    first, second = DomainError("one"), DomainError("two")
    first.fields["name"] = "wrong"
    assert second.fields == {} and str(first) == "one"
