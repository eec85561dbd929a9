import copy

import torch

from metalearn.bench.costs import CostMeter, entrance_layer
from metalearn.networks.generator import Generator
from metalearn.pool import Pool

CPU = torch.device("cpu")


def generator() -> Generator:
    return Generator(latent_dim=4, width=8, channels=3, image_size=16, n_way=0)


def test_forward_and_backward_passes_of_teachers_are_counted(tiny_pool: Pool) -> None:
    meter = CostMeter(tiny_pool, CPU)
    images = torch.rand(5, 3, 16, 16, requires_grad=True)
    with meter.counting() as costs:
        for teacher in tiny_pool.teachers:
            teacher.logits(images).sum().backward()
        with torch.no_grad():
            tiny_pool.teachers[0].network.embed(tiny_pool.teachers[0].prepare(images[:2]))
    assert costs.teacher_calls == 4
    assert costs.teacher_images == 3 * 5 + 2
    assert costs.teacher_backward_images == 3 * 5
    assert costs.generator_calls == 0


def test_copies_of_a_generator_count_and_copies_of_a_teacher_do_not(tiny_pool: Pool) -> None:
    meter = CostMeter(tiny_pool, CPU)
    with meter.counting() as costs:
        for one in (generator(), copy.deepcopy(generator())):
            one(torch.rand(3, 4), torch.zeros(3, dtype=torch.long)).sum().backward()
        copied = copy.deepcopy(tiny_pool.teachers[0])
        copied.logits(torch.rand(2, 3, 16, 16))
    assert (costs.generator_calls, costs.generator_images) == (2, 6)
    assert costs.generator_backward_images == 6
    assert costs.teacher_calls == 0


def test_a_pause_and_what_comes_after_the_end_are_not_counted(tiny_pool: Pool) -> None:
    meter = CostMeter(tiny_pool, CPU)
    teacher = tiny_pool.teachers[0]
    images = torch.rand(1, 3, 16, 16)
    with meter.counting() as costs:
        teacher.logits(images)
        with meter.paused():
            before = costs.wall_s, costs.cpu_s
            for _ in range(20):
                teacher.logits(images)
            assert (costs.wall_s, costs.cpu_s) == before and before[0] > 0
        teacher.logits(images)
    teacher.logits(images)
    assert costs.teacher_calls == 2
    assert costs.wall_s > before[0]


def test_the_entrance_is_the_first_layer_with_weights(tiny_pool: Pool) -> None:
    conv4, residual = tiny_pool.teachers[0].network, tiny_pool.teachers[2].network
    assert entrance_layer(conv4) is conv4.blocks[0].conv
    assert entrance_layer(residual) is residual.stem.conv
