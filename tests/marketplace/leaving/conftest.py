import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """No export of an earlier test counts."""
    cache.clear()
