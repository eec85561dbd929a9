import pytest
import torch
from torch import Tensor

from metalearn.numerics.muon import Muon, orthogonalised
from metalearn.numerics.optimisers import OptimiserState


@pytest.mark.parametrize("shape", [(8, 8), (32, 288), (288, 32), (1, 9)])
def test_every_direction_of_a_matrix_comes_to_count_about_the_same(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    result = orthogonalised(matrix)
    # In the singular vectors of the matrix itself the result is diagonal, near one.
    diagonal = left.T @ result @ right.T
    strengths = diagonal.diagonal()
    assert strengths.min() > 0.6 and strengths.max() < 1.25
    assert (diagonal - torch.diag(strengths)).abs().max() < 1e-4


def test_the_length_of_a_gradient_does_not_matter() -> None:
    matrix = torch.randn(6, 20, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(orthogonalised(matrix), orthogonalised(1e3 * matrix), atol=1e-4)


def test_no_gradient_at_all_leaves_the_weights_as_they_are() -> None:
    kernel = torch.nn.Parameter(torch.ones(4, 3, 3, 3))
    optimiser = Muon([kernel], lr=0.1)
    optimiser.step()
    kernel.grad = torch.zeros_like(kernel)
    optimiser.step()
    assert torch.equal(kernel, torch.ones(4, 3, 3, 3))


def test_a_first_step_goes_against_the_gradient_by_the_rate_in_every_direction() -> None:
    gradient = torch.linalg.qr(torch.randn(12, 12, generator=torch.Generator().manual_seed(0)))[0]
    weights = torch.nn.Parameter(torch.zeros(12, 12))
    weights.grad = 5 * gradient
    Muon([weights], lr=0.5).step()
    strengths = -(weights.detach() @ gradient.T).diagonal() / 0.5
    assert strengths.min() > 0.6 and strengths.max() < 1.25


def test_a_tall_matrix_moves_further_as_its_outputs_have_fewer_inputs() -> None:
    square = torch.nn.Parameter(torch.zeros(9, 9))
    tall = torch.nn.Parameter(torch.zeros(36, 9))
    for weights in (square, tall):
        weights.grad = torch.eye(*weights.shape)
        Muon([weights], lr=0.1).step()
    steps = [torch.linalg.matrix_norm(weights.detach(), 2).item() for weights in (square, tall)]
    assert steps[1] == pytest.approx(2 * steps[0], rel=1e-3)


def test_the_momentum_remembers_earlier_gradients() -> None:
    first, second = torch.eye(4), torch.eye(4).flip(0)
    weights = torch.nn.Parameter(torch.zeros(4, 4))
    optimiser = Muon([weights], lr=0.1, momentum=0.5)
    for gradient in (first, second):
        weights.grad = gradient.clone()
        optimiser.step()
    # By hand: 0.5 * first, then the mean of that and the second.
    assert torch.allclose(optimiser.state[weights]["momentum"], 0.25 * first + 0.5 * second)


def test_a_kernel_moves_as_its_matrix_of_outputs_by_all_else_does() -> None:
    gradient = torch.randn(8, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    kernel = torch.nn.Parameter(torch.zeros(8, 3, 3, 3).to(memory_format=torch.channels_last))
    matrix = torch.nn.Parameter(torch.zeros(8, 27))
    kernel.grad = gradient.to(memory_format=torch.channels_last)
    matrix.grad = gradient.flatten(1)
    for weights in (kernel, matrix):
        Muon([weights], lr=0.1).step()
    assert torch.allclose(kernel.flatten(1), matrix, atol=1e-6)


def test_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match="vectors"):
        Muon([torch.nn.Parameter(torch.zeros(3))], lr=0.1)


def test_a_run_goes_on_from_its_saved_momentum() -> None:
    def three_steps(interrupted: bool) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        weights = torch.nn.Parameter(torch.zeros(5, 7))
        optimiser = Muon([weights], lr=0.1)
        for step in range(3):
            if interrupted and step == 2:
                saved = OptimiserState(optimiser).state_dict()
                optimiser = Muon([weights], lr=0.1)
                OptimiserState(optimiser).load_state_dict(saved)
            weights.grad = torch.randn(5, 7, generator=generator)
            optimiser.step()
        return weights.detach()

    assert torch.equal(three_steps(False), three_steps(True))
