"""A thread that does something every few seconds beside what takes long."""

from abc import ABC, abstractmethod
from threading import Event, Thread
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import connection


class Beats(ABC):
    """Beats every HEARTBEAT_S seconds, until the block ends or a beat says that it was the last."""

    def __init__(self, name: str) -> None:
        self._over = Event()
        self._thread = Thread(target=self._go_on, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(timeout=settings.HEARTBEAT_S)

    @abstractmethod
    def beat(self) -> bool:
        """Do it once; False when there shall be no more."""

    def _go_on(self) -> None:
        try:
            while not self._over.wait(settings.HEARTBEAT_S) and self.beat():
                pass
        finally:
            connection.close()
