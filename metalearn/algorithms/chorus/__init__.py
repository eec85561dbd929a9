"""Chorus: one small network that learns which images the whole pool finds similar.

Our own method. A teacher's labels say little about classes it was not trained on. Its features say
more, and the concatenated features of all teachers say most. Chorus teaches a learner the
ensemble's similarities rather than its coordinates: for each image of a batch, the learner's cosine
similarities to all others should correlate with the pool's. Teachers of any architecture, input
size and class count can be combined this way, and the learner's features are trained for the
comparison that the prototype head makes.

The images are drawn synthetically and not recovered from models, so no owner has to consent. They
form a stream: each outer step draws new ones, queries every teacher once, and replaces the oldest
in a bounded memory from which the learner's batches are sampled.
"""

from metalearn.algorithms.chorus.algorithm import Chorus
from metalearn.algorithms.chorus.config import ChorusConfig

__all__ = ["Chorus", "ChorusConfig"]
