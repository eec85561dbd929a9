"""Seeds for code that can only draw from torch's global generator."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded_from(rng: torch.Generator) -> Iterator[None]:
    """Inside, torch's global CPU generator follows a seed drawn from `rng`; then it is as before.

    Initialisation of layers draws from the global generator; this ties it to the run's own.
    """
    seed = int(torch.randint(0, 2**62, (), generator=rng))
    before = torch.get_rng_state()
    # Not torch.manual_seed: that would also seed every GPU.
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)
