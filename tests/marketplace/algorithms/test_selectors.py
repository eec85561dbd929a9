"""What can be run and recognised is known once a worker has published it."""

from marketplace.algorithms.selectors import algorithms_published, architectures_published


def test_before_the_first_worker_there_is_nothing(db: None) -> None:
    assert not algorithms_published().exists() and not architectures_published().exists()


def test_what_a_worker_published_is_listed_as_it_published_it(catalogue: None) -> None:
    assert [row.name for row in algorithms_published()] == ["free"]
    assert [row.name for row in architectures_published()] == ["conv4", "resnet10"]
