"""What goes wrong in storage beyond what a disk reports."""


class BytesLost(OSError):
    """The store no longer has what it had."""
