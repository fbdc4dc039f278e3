"""How dbt is patched: each place is checked before it is changed, and changed when it is imported.

A module of dbt that no command needs is not imported for the sake of its patches: they wait for it.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from dvt.core.errors import DbtUnsupported

Wrapper = Callable[..., Any]
"""Called with the original function first, then with what the original was called with."""


def wrap(module: ModuleType, path: str, parameters: Sequence[str], wrapper: Wrapper) -> None:
    """Put `wrapper` around `module.path`, whose first parameters must still be these."""
    owner, name, raw = _find(module, path)
    function = raw.__func__ if isinstance(raw, classmethod) else raw
    _guard(f"{module.__name__}.{path}", function, parameters)

    @functools.wraps(function)
    def patched(*args: Any, **kwargs: Any) -> Any:
        return wrapper(function, *args, **kwargs)

    setattr(owner, name, classmethod(patched) if isinstance(raw, classmethod) else patched)


def replace(module: ModuleType, name: str, kind: type, make: Callable[[Any], Any]) -> None:
    """Put `make(before)` in the place of a module's attribute, which must still be of this type."""
    before = getattr(module, name, None)
    if not isinstance(before, kind):
        raise DbtUnsupported(f"{module.__name__}.{name}", f"it is {type(before).__name__}")
    setattr(module, name, make(before))


def _find(module: ModuleType, path: str) -> tuple[Any, str, Any]:
    owner: Any = module
    *outer, name = path.split(".")
    try:
        for part in outer:
            owner = getattr(owner, part)
        return owner, name, vars(owner)[name]
    except (AttributeError, KeyError) as error:
        raise DbtUnsupported(f"{module.__name__}.{path}", "it is not there") from error


def _guard(symbol: str, function: Any, parameters: Sequence[str]) -> None:
    found = tuple(inspect.signature(function).parameters)
    if found[: len(parameters)] != tuple(parameters):
        raise DbtUnsupported(symbol, f"its parameters are {', '.join(found)}")


class PatchOnImport(MetaPathFinder):
    """Runs a function on a module right after it was imported, or at once if it already is."""

    def __init__(self) -> None:
        self._waiting: dict[str, Callable[[ModuleType], None]] = {}

    def add(self, module: str, patch: Callable[[ModuleType], None]) -> None:
        """Patch a module now or when it comes."""
        loaded = sys.modules.get(module)
        if loaded is not None:
            patch(loaded)
            return
        self._waiting[module] = patch
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own spec, with a loader that patches."""
        del path, target
        patch = self._waiting.pop(fullname, None)
        if patch is None:
            return None
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            raise DbtUnsupported(fullname, "it is not there")
        spec.loader = _PatchingLoader(spec.loader, patch)
        return spec


class _PatchingLoader(Loader):
    def __init__(self, loader: Loader, patch: Callable[[ModuleType], None]) -> None:
        self._loader, self._patch = loader, patch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._patch(module)
