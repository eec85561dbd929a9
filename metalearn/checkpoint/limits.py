"""How much an uploaded file may ask for; all far above any network that Freehold knows."""

import os

MAX_ZIP_ENTRIES = 10_000
MAX_TENSORS = 10_000
MAX_PARAMETERS = int(os.environ.get("FREEHOLD_MAX_PARAMETERS", "400000000"))
"""Elements of all tensors that are kept, 1.6 GB in single precision: ViT-L has 304 million."""
MAX_DIMENSIONS = 8
MAX_NAME_LENGTH = 300
MAX_HEADER_BYTES = 1_000_000
MAX_PICKLE_BYTES = 16_000_000
MAX_PICKLE_STEPS = 1_000_000
MAX_PICKLE_DEPTH = 100
MAX_IMAGE_SIZE = 512
MAX_CLASSES = 10_000
