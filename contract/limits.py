"""Limits shared by the pages, the API, the file readers and the CLI."""

import os

MIN_CLASSES, MAX_CLASSES = 2, 10_000
"""Outputs of an uploaded classifier."""
MAX_CLASS_NAME = 100
"""Characters of a class name, in models and adaptations."""
MIN_IMAGE_SIZE, MAX_IMAGE_SIZE = 8, 512
"""Height of a classifier's input, in pixels."""
MAX_PARAMETERS = int(os.environ.get("FREEHOLD_MAX_PARAMETERS") or "400000000")
"""Elements of all stored tensors: 1.6 GB in single precision. ViT-L has 304 million."""
MAX_DESCRIPTION = 1_000
"""Characters of a description that is read from a file."""

MIN_WAY, MAX_WAY = 2, 20
"""Classes of an adaptation."""
MAX_SHOT = 50
"""Support pictures per class."""
MAX_QUERIES = 200
"""Query pictures per request."""
