"""Pagination of long lists without counting all rows on every request."""

import hashlib
from functools import cached_property
from typing import Any, TypeVar

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

T = TypeVar("T", bound=Model)

PAGE_SIZE = 24
_COUNT_KEPT_S = 30
# A short list is counted each time, so that a new row is never missing.
_SHORT = 500
# Parameters that do not change the number of rows.
_SAME_ROWS = {"page", "sort"}


class LongListPaginator(Paginator):
    """A paginator that caches large counts for half a minute."""

    def __init__(self, rows: "QuerySet[Any]", per_page: int, *, key: str = "") -> None:
        """Identify the rows by `key`, or by their query if it is empty."""
        super().__init__(rows, per_page)
        self._rows = rows
        self._key = key

    @cached_property
    def count(self) -> int:
        """The number of rows, up to half a minute old for long lists."""
        try:
            said = self._key or str(self._rows.query)
        except EmptyResultSet:
            # The filter cannot match, for example a number out of the column's range.
            return 0
        key = f"count:{hashlib.sha256(said.encode()).hexdigest()}"
        known: int | None = cache.get(key)
        if known is not None:
            return known
        counted = self._rows.order_by().count()
        if counted > _SHORT:
            cache.set(key, counted, _COUNT_KEPT_S)
        return counted

    def page(self, number: "int | str") -> "Page[Any]":
        """Return a page. Ids are sorted first, so that wide rows are read for this page only."""
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        ids = list(self._rows.values_list("pk", flat=True)[start : start + self.per_page])
        found = {row.pk: row for row in self._rows.order_by().filter(pk__in=ids)}
        # A row may have been deleted between the two queries.
        return Page([found[pk] for pk in ids if pk in found], number, self)


def page_of(request: HttpRequest, rows: "QuerySet[T]", *, size: int = PAGE_SIZE) -> "Page[T]":
    """Return the page that `?page=` asks for, or the nearest existing one."""
    asked = sorted(item for item in request.GET.lists() if item[0] not in _SAME_ROWS)
    key = f"{request.path} {getattr(request, 'user', '')} {asked}"
    page: Page[T] = LongListPaginator(rows, size, key=key).get_page(request.GET.get("page"))
    return page
