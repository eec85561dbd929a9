"""What the tests of the web can ask for, here as well."""

from tests.marketplace.conftest import (  # noqa: F401
    alice,
    catalogue,
    launch,
    make_checkpoint,
    make_pool,
    pool,
)
