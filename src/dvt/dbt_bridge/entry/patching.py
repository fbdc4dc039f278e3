"""Wraps functions and replaces attributes of dbt's modules, after checking that they are as expected.

A module is patched when dbt imports it: patching imports no module that a command does not need.
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
"""Takes the original function, then the arguments of the call."""


def wrap(module: ModuleType, path: str, parameters: Sequence[str], wrapper: Wrapper) -> None:
    """Wrap the function `module.path`; DbtUnsupported if its first parameters are not the given ones."""
    owner, name, raw = _find(module, path)
    function = raw.__func__ if isinstance(raw, classmethod) else raw
    _check_parameters(f"{module.__name__}.{path}", function, parameters)

    @functools.wraps(function)
    def patched(*args: Any, **kwargs: Any) -> Any:
        return wrapper(function, *args, **kwargs)

    setattr(owner, name, classmethod(patched) if isinstance(raw, classmethod) else patched)


def replace(module: ModuleType, name: str, kind: type, make: Callable[[Any], Any]) -> None:
    """Replace a module's attribute by `make(attribute)`; DbtUnsupported if it is not of type `kind`."""
    original = getattr(module, name, None)
    if not isinstance(original, kind):
        raise DbtUnsupported(f"{module.__name__}.{name}", f"it is {type(original).__name__}")
    setattr(module, name, make(original))


def _find(module: ModuleType, path: str) -> tuple[Any, str, Any]:
    owner: Any = module
    *outer, name = path.split(".")
    try:
        for part in outer:
            owner = getattr(owner, part)
        return owner, name, vars(owner)[name]
    except (AttributeError, KeyError) as error:
        raise DbtUnsupported(f"{module.__name__}.{path}", "it is not there") from error


def _check_parameters(symbol: str, function: Any, parameters: Sequence[str]) -> None:
    actual = tuple(inspect.signature(function).parameters)
    if actual[: len(parameters)] != tuple(parameters):
        raise DbtUnsupported(symbol, f"its parameters are {', '.join(actual)}")


class PatchOnImport(MetaPathFinder):
    """Patches modules right after their import."""

    def __init__(self) -> None:
        self._waiting: dict[str, Callable[[ModuleType], None]] = {}

    def add(self, module: str, patch: Callable[[ModuleType], None]) -> None:
        """Call `patch` with the module: now if it is imported, else right after its import."""
        imported = sys.modules.get(module)
        if imported is not None:
            patch(imported)
            return
        self._waiting[module] = patch
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module's own spec with a loader that also patches; None for modules without a patch."""
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
    """Executes a module by its own loader, then patches it."""

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
