"""What is said about each teacher a meta-learner was made from."""

from dataclasses import asdict, dataclass

from metalearn.pool import Pool, Teacher


@dataclass(frozen=True)
class TeacherRecord:
    """One teacher as listed in provenance.json; `consent` is the owner's consent to recovery."""

    name: str
    owner: str
    sha256: str
    licence: str
    consent: bool

    @classmethod
    def of(cls, teacher: Teacher) -> "TeacherRecord":
        """The record of a teacher."""
        return cls(
            name=teacher.name,
            owner=teacher.owner,
            sha256=teacher.sha256,
            licence=teacher.licence,
            consent=teacher.consent_recovery,
        )

    @classmethod
    def of_pool(cls, pool: Pool) -> "tuple[TeacherRecord, ...]":
        """The records of every teacher of a pool, in its order."""
        return tuple(cls.of(teacher) for teacher in pool.teachers)

    def as_dict(self) -> dict[str, object]:
        """Plain data for provenance.json."""
        return asdict(self)
