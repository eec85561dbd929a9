"""Limits on uploaded files, far above any supported network; see also `contract.limits`."""

MAX_ZIP_ENTRIES = 10_000
MAX_TENSORS = 10_000
MAX_DIMENSIONS = 8
MAX_NAME_LENGTH = 300
MAX_HEADER_BYTES = 1_000_000
MAX_PICKLE_BYTES = 16_000_000
MAX_PICKLE_STEPS = 1_000_000
MAX_PICKLE_DEPTH = 100
