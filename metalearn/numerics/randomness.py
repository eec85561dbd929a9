from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded_from(rng: torch.Generator) -> Iterator[None]:
    """Seed torch's global CPU generator from `rng` inside the block, and restore it afterwards.

    Layers draw their initial weights from the global generator; this ties them to the run's own.
    """
    seed = int(torch.randint(0, 2**62, (), generator=rng))
    before = torch.get_rng_state()
    # torch.manual_seed would also seed every GPU.
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)
