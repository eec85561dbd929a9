"""Alice's models, one for each way of sharing."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.checkpoints.models import Checkpoint


@pytest.fixture
def models(make_checkpoint: Callable[..., Any], shared: Any) -> dict[str, Checkpoint]:
    """One of Alice's models for each way of sharing."""
    return {name: make_checkpoint(name, **changes) for name, changes in vars(shared).items()}
