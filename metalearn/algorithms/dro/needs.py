import torch
import torch.nn.functional as F

from metalearn.algorithms.dro.config import MOST_MB, DroConfig
from metalearn.algorithms.dro.hyper_network import Layout
from metalearn.learning.learner_spec import learner_like_teachers
from metalearn.merging.batchnorm_repair import repairing
from metalearn.merging.fusion import fusible, same_heads
from metalearn.needs import Needs, Part, cached_bytes, held_bytes, in_mb, most_taken, network_of
from metalearn.pool import Pool
from metalearn.pool.network_cache import network_bytes

COPIES = 3
"""The hypernetwork, its fitted copy and a gradient."""
_FLOAT = 4


def bytes_needed(n_weights: int, dim: int) -> int:
    return COPIES * _FLOAT * n_weights * (dim + 1)


def what_would_fit(n_weights: int, config: DroConfig) -> str:
    enough = in_mb(bytes_needed(n_weights, config.embedding_dim))
    fitting = config.memory_mb * 2**20 // bytes_needed(n_weights, 0) - 1
    cures = [f"lower embedding_dim to {fitting}"] if fitting >= 1 else []
    cures += [f"raise memory_mb to {enough}"] if enough <= MOST_MB else []
    least = in_mb(bytes_needed(n_weights, 1))
    return " or ".join(cures) or f"lower embedding_dim to 1 and raise memory_mb to {least}"


def generates_heads(pool: Pool, config: DroConfig) -> bool:
    return config.heads == "generated" and same_heads(pool.teachers)


def needs_of_dro(pool: Pool, config: DroConfig, device: torch.device) -> Needs:
    pool = fusible(pool)
    with_head = generates_heads(pool, config)
    layout = Layout(pool.teachers[0].network, with_head=with_head)
    n_weights, dim = sum(layout.layer_sizes), config.embedding_dim
    n_classes = pool.teachers[0].n_classes if with_head else config.n_way
    learner = network_of(learner_like_teachers(pool, n_classes=n_classes), device)
    rows = _FLOAT * n_weights * len(pool)
    work = [_maps(n_weights, config, device), *repairing(pool, config, learner)]
    # First all models with their weight vectors, raw and scaled; then the maps in training.
    return Needs(
        models=held_bytes(pool, whole=True),
        held=2 * network_bytes(learner) + 2 * rows + bytes_needed(n_weights, dim),
        passing=most_taken(work[1:]),
        cached=cached_bytes(pool),
        snapshot=network_bytes(learner) + _FLOAT * (n_weights * (dim + 1) + len(pool) * dim),
        work=tuple(work),
    )


def _maps(n_weights: int, config: DroConfig, device: torch.device) -> Part:
    """Return the work of a likelihood and its gradient, in units of one model weight."""
    embedding = torch.zeros(config.embedding_dim, device=device)

    def rehearse(n: int) -> None:
        maps = torch.empty(n, config.embedding_dim, device=device, requires_grad=True)
        torch.autograd.grad(F.linear(embedding, maps).square().sum(), maps)

    # K steps on a model of S, K on an embedding of Q, and one that learns.
    times = config.outer_steps * (2 * config.inner_steps + 1)
    return Part(("maps", config.embedding_dim), rehearse, n_weights, times, device)
