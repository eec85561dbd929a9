"""What is said about each teacher that a learner was made from."""

from dataclasses import replace

from metalearn.meta_learner import TeacherRecord
from metalearn.pool import Pool


def test_a_record_has_what_the_teacher_says_of_itself(tiny_pool: Pool) -> None:
    teacher = replace(
        tiny_pool.teachers[0], owner="ada", licence="MIT", sha256="ab", consent_recovery=False
    )
    assert TeacherRecord.of(teacher) == TeacherRecord("a", "ada", "ab", "MIT", consent=False)


def test_places_of_copies_are_those_of_the_whole_pool(tiny_pool: Pool) -> None:
    part = tiny_pool.part([2, 0])
    found = TeacherRecord.of_pool(part, copied={part.places[0]})
    assert [(record.name, record.copied) for record in found] == [
        (teacher.name, index == 0) for index, teacher in enumerate(part.teachers)
    ]


def test_copied_is_said_only_where_it_is_so() -> None:
    record = TeacherRecord("a", "ada", "ab", "MIT", consent=True)
    assert set(record.as_dict()) == {"name", "owner", "sha256", "licence", "consent"}
    assert replace(record, copied=True).as_dict()["copied"] is True
