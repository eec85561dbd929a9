"""Sizes that only the user's pictures decide, as numbers that a trace cannot mistake.

A trace with symbolic sizes takes ten times as long as one with plain numbers. So the steps are
traced with sizes that nothing else in a network has or is a multiple of, and every such number
in the trace is read back as what it stands for. No memory is needed: the tensors are fake.
"""

IMAGES = 100_003
REAL = 100_004
PSEUDO = 100_019
CLASSES = 100_043

NAMES = {IMAGES: "images", REAL: "real", PSEUDO: "pseudo", CLASSES: "classes"}
SUMS = {REAL + PSEUDO: (REAL, PSEUDO)}
"""Real and pseudo images go through the network together. The sum is a prime number."""


def factors(number: int) -> tuple[list[int], int]:
    """The named sizes that `number` is a product of, and the plain factor that is left."""
    found: list[int] = []
    for size in (*SUMS, *NAMES):
        while number and number % size == 0:
            found.append(size)
            number //= size
    return found, number


def is_dynamic(number: int) -> bool:
    """Whether a size of the user's is in it."""
    return bool(factors(number)[0])
