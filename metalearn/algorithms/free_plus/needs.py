from metalearn.algorithms.free.needs import MemoryQuestions
from metalearn.algorithms.free_plus.config import FreePlusConfig
from metalearn.pool import Pool


def memory_questions(pool: Pool, config: FreePlusConfig) -> MemoryQuestions:
    if config.distillation_head != "own":
        # Each batch is a whole task of one teacher.
        pictures = config.n_way * config.images_per_class
        return MemoryQuestions(config.replay_alignments, pictures)
    return MemoryQuestions(
        config.replay_alignments,
        config.alignment_images,
        asked=min(config.teachers_asked, len(pool)),
        head_rows=sum(min(one.n_classes, config.head_classes) for one in pool.teachers),
    )
