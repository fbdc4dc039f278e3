"""The run's compute engines, each opened when the first model needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dvt.core.errors import Cancelled
from dvt.core.ports.engines import Engine


class Engines:
    """The engines of a run, by name of the compute. Thread-safe."""

    def __init__(self, open_engine: Callable[[str | None], Engine]) -> None:
        """`open_engine` gets the name a model asks for, None for the default."""
        self._open = open_engine
        self._lock = threading.Lock()
        self._opened: dict[str | None, Engine] = {}
        self._closed = False

    def named(self, name: str | None) -> Engine:
        """Return a compute's engine; UnknownCompute lists the known ones."""
        with self._lock:
            if name not in self._opened:
                if self._closed:
                    raise Cancelled("opening a compute engine")
                self._opened[name] = self._open(name)
            return self._opened[name]

    def cancel(self) -> None:
        """Stop every query under way."""
        for engine in self._engines():
            engine.cancel()

    def close(self) -> None:
        """Close all engines; no engine is opened after this."""
        with self._lock:
            self._closed = True
        for engine in self._engines():
            engine.close()

    def _engines(self) -> list[Engine]:
        with self._lock:
            return list({id(engine): engine for engine in self._opened.values()}.values())
