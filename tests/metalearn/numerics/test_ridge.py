"""Ridge regression as a head: against the primal solution, and what balance means."""

import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.learning.inner_loop import balanced_targets
from metalearn.numerics.ridge import REGULARISER, RidgeHead, ridge_head, share_of_mean


def _features(n: int, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(n, 7, generator=rng, dtype=torch.float64)


def _whole_bias(bias: Tensor, targets: Tensor) -> Tensor:
    """The bias as if the mean were believed altogether."""
    expected = targets.mean(0)
    return expected + (bias - expected) / share_of_mean(*targets.shape)


def _whole(features: Tensor, targets: Tensor) -> RidgeHead:
    head = ridge_head(features, targets, temperature=1.0)
    return RidgeHead(head.weight, _whole_bias(head.bias, targets))


def test_the_dual_form_minimises_what_the_primal_form_does() -> None:
    features, labels = _features(9), torch.tensor([0, 0, 0, 0, 0, 1, 1, 2, 2])
    targets = balanced_targets(labels, 3).double()
    head = ridge_head(features, targets, temperature=1.0)
    x, y = F.normalize(features, dim=1), F.one_hot(labels, 3).double()
    shares = targets.sum(1)

    def loss(weight: Tensor, bias: Tensor) -> Tensor:
        error = (x @ weight.T + bias - y).square().sum(1)
        return (shares * error).sum() + REGULARISER * weight.square().sum()

    weight = head.weight.requires_grad_()
    bias = _whole_bias(head.bias, targets).requires_grad_()
    gradients = torch.autograd.grad(loss(weight, bias), [weight, bias])
    for gradient in gradients:
        torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-6, rtol=0)


def test_a_picture_given_twice_to_a_class_does_not_make_the_class_louder() -> None:
    features = _features(4)
    once = _whole(features, balanced_targets(torch.tensor([0, 0, 1, 1]), 2).double())
    doubled = torch.cat([features, features[:2]])
    labels = torch.tensor([0, 0, 1, 1, 0, 0])
    twice = _whole(doubled, balanced_targets(labels, 2).double())
    # The same sides are chosen; the whole weighs more, so that the regulariser weighs less.
    asked = _features(50, seed=1)
    assert torch.equal(once.logits(asked).argmax(1), twice.logits(asked).argmax(1))
    torch.testing.assert_close(
        twice.logits(features[:2]).mean(0) + twice.logits(features[2:]).mean(0),
        torch.ones(2, dtype=torch.float64),
    )


def test_the_temperature_divides_the_scores_and_the_length_of_features_plays_no_part() -> None:
    features, targets = _features(4), balanced_targets(torch.tensor([0, 0, 1, 1]), 2).double()
    warm, cold = (ridge_head(features, targets, temperature=t) for t in (1.0, 0.2))
    asked = _features(5, seed=1)
    torch.testing.assert_close(cold.logits(asked), 5 * warm.logits(asked))
    torch.testing.assert_close(warm.logits(7 * asked), warm.logits(asked))


def test_the_mean_of_few_pictures_counts_less() -> None:
    shares = [share_of_mean(2 * pictures * 5, 5) for pictures in (1, 2, 5, 50)]
    assert shares == [1 / 2, 2 / 3, 5 / 6, 50 / 51]
    features, targets = _features(4), balanced_targets(torch.tensor([0, 0, 1, 1]), 2).double()
    head = ridge_head(features, targets, temperature=1.0)
    centre = F.normalize(features, dim=1).mean(0)
    # The two classes are equally likely at the part of the mean that is believed, not at the mean.
    at_centre = head.weight @ (share_of_mean(4, 2) * centre) + head.bias
    torch.testing.assert_close(at_centre, torch.full((2,), 0.5, dtype=torch.float64))
