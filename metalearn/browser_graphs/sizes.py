"""Sizes that depend on the user's pictures, as numbers that a trace cannot mistake.

Symbolic sizes make a trace ten times slower. So steps are traced with numbers that no other size in
a network equals or is a multiple of, and these are replaced in the trace. Tensors are fake and take
no memory.
"""

IMAGES = 100_003
REAL = 100_004
PSEUDO = 100_019
CLASSES = 100_043

NAMES = {IMAGES: "images", REAL: "real", PSEUDO: "pseudo", CLASSES: "classes"}
SUMS = {REAL + PSEUDO: (REAL, PSEUDO)}
"""Real and pseudo images pass through the network together. The sum is a prime number."""


def factors(number: int) -> tuple[list[int], int]:
    """Split `number` into named sizes and the remaining plain factor."""
    found: list[int] = []
    for size in (*SUMS, *NAMES):
        while number and number % size == 0:
            found.append(size)
            number //= size
    return found, number


def is_dynamic(number: int) -> bool:
    return bool(factors(number)[0])
