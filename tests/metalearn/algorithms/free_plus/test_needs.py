"""How often FREE+ asks teachers about remembered images, and how large their heads are."""

from metalearn.algorithms.free.needs import MemoryQuestions
from metalearn.algorithms.free_plus import FreePlusConfig
from metalearn.algorithms.free_plus.needs import memory_questions
from metalearn.pool import Pool
from metalearn.settings import build


def questions(pool: Pool, **settings: object) -> MemoryQuestions:
    return memory_questions(pool, build(FreePlusConfig, settings))


def test_with_a_shared_head_each_batch_is_a_task_of_one_teacher(tiny_pool: Pool) -> None:
    asked = {"distillation_head": "shared", "replay_alignments": 3, "n_way": 4}
    found = questions(tiny_pool, **asked, images_per_class=5)
    assert found == MemoryQuestions(alignments=3, pictures=20, asked=1, head_rows=0)


def test_with_own_heads_no_more_teachers_are_asked_than_there_are(tiny_pool: Pool) -> None:
    asked = {"distillation_head": "own", "alignment_images": 6, "teachers_asked": 9}
    found = questions(tiny_pool, **asked)
    assert (found.pictures, found.asked) == (6, len(tiny_pool))
    assert found.head_rows == 3 + 4 + 3
    assert questions(tiny_pool, **asked, head_classes=3).head_rows == 9
