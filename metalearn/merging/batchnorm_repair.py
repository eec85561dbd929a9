"""Re-estimation of merged weights' batch-norm statistics on drawn images.

Merged neurons vary less than the originals, so merged statistics flatten all features (Jordan et
al. 2023, "REPAIR", https://arxiv.org/abs/2211.08403). Models fine-tuned from the same weights agree
neuron by neuron, and their merged statistics, which come from real images, are better than those of
drawn ones.
"""

from dataclasses import dataclass

import torch

from metalearn.merging.learner_start import are_relatives
from metalearn.meta_learner import MetaLearner
from metalearn.needs import Part, drawing, embedding
from metalearn.networks import Network
from metalearn.networks.batchnorm import reestimate_statistics
from metalearn.numerics.preparation import MOST_PIXELS, prepare_images
from metalearn.pool import Pool
from metalearn.procedural import draw_pictures
from metalearn.settings import setting

_PICTURES, _BATCH = 512, 128


@dataclass(frozen=True)
class RepairSettings:
    """Source of the batch-norm statistics after merging."""

    statistics: str = setting(
        "auto",
        "batch-norm statistics after merging: drawn estimates them on synthetic images, merged "
        "averages the models' own (papers), auto is merged for models fine-tuned from the same "
        "weights and drawn for all others",
        choices=("auto", "drawn", "merged"),
    )


def repaired(learner: MetaLearner, pool: Pool, settings: RepairSettings, seed: int) -> MetaLearner:
    auto = settings.statistics == "auto" and not are_relatives(pool)
    if auto or settings.statistics == "drawn":
        pictures = draw_pictures(
            _PICTURES,
            size=min(pool.image_size, MOST_PIXELS),
            mean=pool.mean,
            std=pool.std,
            rng=torch.Generator().manual_seed(seed),
            kind="mixed",
        ).to(learner.device)
        batches = (
            prepare_images(part, size=learner.image_size, mean=learner.mean, std=learner.std)
            for part in torch.split(pictures, _BATCH)
        )
        reestimate_statistics(learner.network, batches)
    return learner


def repairing(pool: Pool, settings: RepairSettings, learner: Network) -> list[Part]:
    """Return the work of `repaired`, or [] if the settings rule it out."""
    if settings.statistics == "merged":
        return []
    size = min(pool.image_size, MOST_PIXELS)
    return [
        drawing(pool, pictures=_PICTURES, size=size, times=1, kind="mixed"),
        embedding(learner, pictures=_BATCH, size=size, times=_PICTURES / _BATCH, precision="fp32"),
    ]
