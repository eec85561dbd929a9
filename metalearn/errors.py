"""Errors whose text may be shown to people: one sentence, what is wrong and how to fix it."""


class MetaLearnError(Exception):
    """Something the user can fix. Every other exception is a bug."""


class InvalidCheckpoint(MetaLearnError):
    """An uploaded file that cannot become a teacher."""


class InvalidSetting(MetaLearnError):
    """A setting that does not exist, has the wrong kind, or lies out of range."""


class InvalidPool(MetaLearnError):
    """Teachers that cannot be used together, or a pool directory that cannot be read."""


class InvalidData(MetaLearnError):
    """Images or labels that cannot be used: wrong shape, wrong count, not decodable."""
