"""Data sets in their original distributions, read into class splits."""

from metalearn.datasets.sources import cifar_fs, cub, gtsrb, mini_imagenet, omniglot
from metalearn.datasets.sources.source import SPLITS, Source

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (cifar_fs.SOURCE, mini_imagenet.SOURCE, cub.SOURCE, omniglot.SOURCE, gtsrb.SOURCE)
}

__all__ = ["SOURCES", "SPLITS", "Source"]
