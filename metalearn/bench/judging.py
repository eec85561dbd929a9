"""Evaluation of learners: the same episodes for every algorithm, different ones for every seed."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from metalearn.bench.materials import Packs
from metalearn.bench.rows import Row
from metalearn.bench.suite import Judging
from metalearn.datasets import ImageSet
from metalearn.evaluation import (
    Evaluation,
    EvaluationPlan,
    episode_accuracies,
    evaluate,
    summarise,
)
from metalearn.evaluation.feature_cache import FeatureCache
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.settings import build

BATCHNORMS = ("inductive", "transductive")
"""The first is the main result."""
TIMED_EPISODES = 10


@dataclass(frozen=True)
class Question:
    pack: str
    shot: int
    head: str
    calibrate: str
    batchnorm: str


class Judge:
    def __init__(self, judging: Judging, packs: Packs) -> None:
        self.judging = judging
        self.packs = packs

    def questions(
        self, packs: tuple[str, ...], batchnorms: tuple[str, ...] = BATCHNORMS
    ) -> Iterator[Question]:
        for pack in packs:
            for shot in self.judging.shots:
                for head in self.judging.heads:
                    for calibrate in self.judging.calibrations:
                        for batchnorm in batchnorms:
                            yield Question(pack, shot, head, calibrate, batchnorm)

    def load(self, learner: MetaLearner, question: Question) -> ImageSet:
        """Return the images of a question at the learner's size, cached after the first call."""
        return self.packs.images(
            question.pack, channels=learner.channels, image_size=learner.image_size
        )

    def judge(self, learner: MetaLearner, question: Question, seed: int) -> Evaluation:
        """Evaluate over all episodes, which are drawn with the run's `seed`."""
        return self._evaluate(learner, question, seed, self.judging.episodes)

    def accuracies(
        self, learner: MetaLearner, questions: Sequence[Question], seed: int
    ) -> dict[Question, list[float]]:
        """Return the accuracy (0 to 1) of every episode, to combine those of several learners.

        The questions share a pack and may differ in their shots. An image passes through the
        network once for all of them.
        """
        data = self.load(learner, questions[0])
        images, tracks = data.by_class(), data.tracks_by_class()
        precision = self._settings(learner, questions[0]).precision
        feature_cache = FeatureCache(learner, images, precision=precision)
        found = {}
        for question in questions:
            episodes = episode_accuracies(
                learner,
                images,
                self._plan(question, seed, self.judging.episodes),
                self._settings(learner, question),
                tracks_by_class=tracks,
                feature_cache=feature_cache,
            )
            found[question] = list(episodes)
        return found

    def summary(self, accuracies: Sequence[float], question: Question) -> Row:
        plan = self._plan(question, 0, self.judging.episodes)
        settings = AdaptationSettings(
            head=question.head, calibrate=question.calibrate, batchnorm=question.batchnorm
        )
        return summarise(accuracies, plan, settings).as_dict()

    def seconds_of_an_episode(self, learner: MetaLearner, question: Question, seed: int) -> float:
        """Return the mean time of an adaptation with its queries, without cached features."""
        data = self.load(learner, question)
        settings = self._settings(learner, question)
        plan = self._plan(question, seed, TIMED_EPISODES)
        start = time.perf_counter()
        tracks = data.tracks_by_class()
        for _ in episode_accuracies(
            learner, data.by_class(), plan, settings, tracks_by_class=tracks, keep_features=False
        ):
            pass
        return (time.perf_counter() - start) / plan.episodes

    def curve_point(
        self,
        learner: MetaLearner,
        pack: str,
        *,
        shot: int,
        batchnorm: str,
        seed: int,
        episodes: int,
    ) -> Row:
        head, calibrate = self.judging.heads[0], self.judging.calibrations[0]
        question = Question(pack, shot, head, calibrate, batchnorm)
        result = self._evaluate(learner, question, seed, episodes)
        return {
            "pack": pack,
            "shot": shot,
            "batchnorm": batchnorm,
            "episodes": episodes,
            "accuracy": round(result.accuracy, 3),
            "interval95": round(result.interval95, 3),
        }

    def _evaluate(
        self, learner: MetaLearner, question: Question, seed: int, episodes: int
    ) -> Evaluation:
        plan = self._plan(question, seed, episodes)
        data = self.load(learner, question)
        settings = self._settings(learner, question)
        tracks = data.tracks_by_class()
        return evaluate(learner, data.by_class(), plan, settings, tracks_by_class=tracks)

    def _plan(self, question: Question, seed: int, episodes: int) -> EvaluationPlan:
        return EvaluationPlan(
            n_way=self.judging.way,
            k_shot=question.shot,
            n_query=self.judging.query,
            episodes=episodes,
            # Different episodes for each seed, so that the spread over seeds includes both sources
            # of randomness; the same for all algorithms, so that they are comparable.
            seed=self.judging.seed + 1_000_003 * seed,
        )

    def _settings(self, learner: MetaLearner, question: Question) -> AdaptationSettings:
        asked: dict[str, object] = {
            "calibrate": question.calibrate,
            "batchnorm": question.batchnorm,
        }
        if question.head != "default":
            asked["head"] = question.head
        values = asdict(learner.defaults) | self.judging.adaptation | asked
        return build(AdaptationSettings, values)
