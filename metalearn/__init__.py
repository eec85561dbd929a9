"""Data-free meta-learning: from a pool of trained classifiers to a few-shot learner, without data.

    file --read_checkpoint--> Teacher --> Pool --make_algorithm--> Algorithm
                                                                    |   ^
                                             train(algorithm) ------'   |
                                                                 recovered tasks (Episode)
    Algorithm --meta_learner()--> MetaLearner --adapt(support)--> Classifier

* `metalearn.checkpoint`: turns untrusted files into Teachers; parses, never executes them.
* `metalearn.pool`: Teacher and Pool; `metalearn.learning.pretraining` makes some.
* `metalearn.registry`: `all_algorithms()`, `make_algorithm(name, pool, settings, device=, seed=)`.
* `metalearn.algorithm`: `for report in train(algorithm)`; progress, cancel and resume.
* `metalearn.meta_learner`: adapt, save, load; `metalearn.evaluation` measures.
* `python -m metalearn`: all of it from the shell.

This package does not depend on a web server, a queue or user accounts.
"""
