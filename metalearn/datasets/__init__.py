"""Class-labelled images: single pictures, folders with one sub-folder a class, and data packs."""

from metalearn.datasets.images import MAX_PIXELS, Pixels, decode_image

__all__ = ["MAX_PIXELS", "Pixels", "decode_image"]
