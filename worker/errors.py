"""What a child tells its parent by raising it. No torch here: the parent loads what it is told."""


class OutOfMemory(Exception):
    """A job needed more memory than there was."""
