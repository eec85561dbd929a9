"""Errors whose text is shown to users: one sentence on what is wrong and how to fix it."""


class MetaLearnError(Exception):
    """An error that the user can fix. Any other exception is a bug."""


class InvalidCheckpoint(MetaLearnError):
    """An uploaded file cannot become a teacher."""


class InvalidSetting(MetaLearnError):
    """A setting is unknown, has the wrong type, or is out of range."""


class InvalidPool(MetaLearnError):
    """Teachers cannot be used together, or a pool directory cannot be read."""


class InvalidData(MetaLearnError):
    """Images or labels cannot be used: wrong shape, wrong count, or not decodable."""


class BadModel(InvalidPool):
    """A teacher that gave outputs or gradients that are not finite numbers."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.place = place
        """Its place in the pool given to the run."""
