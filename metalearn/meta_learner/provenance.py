from collections.abc import Collection
from dataclasses import asdict, dataclass

from metalearn.pool import Pool, Teacher


@dataclass(frozen=True)
class TeacherRecord:
    """A teacher's entry in provenance.json; `consent` is the owner's consent to recovery.

    `copied` means that its weights are in the learner's or can be computed from them.
    """

    name: str
    owner: str
    sha256: str
    licence: str
    consent: bool
    copied: bool = False

    @classmethod
    def of(cls, teacher: Teacher, *, copied: bool = False) -> "TeacherRecord":
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
        """Return the records of a pool's teachers, in order; `copied` are places in the pool."""
        return tuple(
            cls.of(teacher, copied=place in copied)
            for place, teacher in zip(pool.places, pool.teachers, strict=True)
        )

    def as_dict(self) -> dict[str, object]:
        """Return plain data for provenance.json, with `copied` only if true."""
        values = asdict(self)
        return values if self.copied else {k: v for k, v in values.items() if k != "copied"}
