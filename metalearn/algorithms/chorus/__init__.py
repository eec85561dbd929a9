"""Chorus: one small network that finds alike what the whole pool together finds alike.

Our own method. Labels of a teacher say little about classes that it was not taught; its features
say more, and the features of all teachers side by side say most. Chorus teaches a learner the
ensemble's similarities, not its coordinates: for each picture of a batch, the learner's cosine
similarities to all others shall correlate with the pool's. So teachers of any architecture, input
size and class count fit together, and the learner's features are trained for exactly the
comparison that the prototype head will make.

The pictures are drawn by rule and not recovered from models, so no owner's consent to recovery
is needed. They come in a stream: each outer step draws new ones, asks every teacher once, and
replaces the oldest in a bounded memory from which the learner's batches are taken.
"""

from metalearn.algorithms.chorus.algorithm import Chorus
from metalearn.algorithms.chorus.config import ChorusConfig

__all__ = ["Chorus", "ChorusConfig"]
