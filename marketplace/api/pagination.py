"""Pagination of lists."""

from rest_framework.pagination import PageNumberPagination

from marketplace.core.paging import LongListPaginator


class Pages(PageNumberPagination):
    """Pages by number: `?page=2&page_size=100`."""

    django_paginator_class = LongListPaginator
    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 200
