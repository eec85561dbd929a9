"""When the images are to become harder: once the learner finds nothing new in them."""

from typing import Any


class Curriculum:
    """Watches the meta-batches' accuracy; `due` after `patience` of them without a new best.

    The paper's indicator Omega: it is taken once, and then the best is forgotten.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = -1.0
        self.waited = 0
        self.due = False

    def watch(self, accuracy: float) -> None:
        """Take notice of one meta-batch."""
        if accuracy > self.best:
            self.best, self.waited = accuracy, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.best, self.waited, self.due = -1.0, 0, True

    def take(self) -> bool:
        """Whether the next step of the images goes against the learner; asks once."""
        due, self.due = self.due, False
        return due

    def state_dict(self) -> dict[str, Any]:
        """What was seen so far."""
        return {"best": self.best, "waited": self.waited, "due": self.due}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self.waited, self.due = state["best"], state["waited"], state["due"]
