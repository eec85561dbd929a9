"""What is said about each teacher a meta-learner was made from."""

from collections.abc import Collection
from dataclasses import asdict, dataclass

from metalearn.pool import Pool, Teacher


@dataclass(frozen=True)
class TeacherRecord:
    """One teacher as listed in provenance.json; `consent` is the owner's consent to recovery.

    `copied` says that its weights are in the learner's, or can be computed back from them.
    """

    name: str
    owner: str
    sha256: str
    licence: str
    consent: bool
    copied: bool = False

    @classmethod
    def of(cls, teacher: Teacher, *, copied: bool = False) -> "TeacherRecord":
        """The record of a teacher."""
        return cls(
            name=teacher.name,
            owner=teacher.owner,
            sha256=teacher.sha256,
            licence=teacher.licence,
            consent=teacher.consent_recovery,
            copied=copied,
        )

    @classmethod
    def of_pool(cls, pool: Pool, *, copied: Collection[int] = ()) -> "tuple[TeacherRecord, ...]":
        """The records of every teacher of a pool, in its order; `copied` are places of the pool."""
        return tuple(
            cls.of(teacher, copied=place in copied)
            for place, teacher in zip(pool.places, pool.teachers, strict=True)
        )

    def as_dict(self) -> dict[str, object]:
        """Plain data for provenance.json; `copied` only where it is so."""
        values = asdict(self)
        return values if self.copied else {k: v for k, v in values.items() if k != "copied"}
