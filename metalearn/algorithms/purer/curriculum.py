from typing import Any


class Curriculum:
    """Monitor of the meta-batches' accuracy, due after `patience` of them without a new best.

    This is the paper's indicator Omega. It is consumed once, and the best accuracy is then reset.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = -1.0
        self.waited = 0
        self.due = False

    def watch(self, accuracy: float) -> None:
        if accuracy > self.best:
            self.best, self.waited = accuracy, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.best, self.waited, self.due = -1.0, 0, True

    def take(self) -> bool:
        """Return whether the next image step goes against the learner, and reset the flag."""
        due, self.due = self.due, False
        return due

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited, "due": self.due}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.waited, self.due = state["best"], state["waited"], state["due"]
