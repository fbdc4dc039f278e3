"""Patches raise an error where dbt differs from what they expect, and are applied once."""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from dataclasses import replace as replace_field
from functools import reduce
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from dvt.core.errors import DbtUnsupported
from dvt.dbt_bridge.entry import patches
from dvt.dbt_bridge.entry.patching import PatchOnImport, replace, wrap
from tests.dbt_bridge.federated.project import Project


def module() -> ModuleType:
    patched_module = ModuleType("made")
    source = """
        LIMIT = 3
        class Task:
            def run(self, node, index): return (node, index)
            @classmethod
            def make(cls, name): return (cls.__name__, name)
    """
    exec(textwrap.dedent(source), patched_module.__dict__)
    return patched_module


def twice(original: Any, *args: Any) -> Any:
    return original(*args), original(*args)


def test_a_wrapper_gets_the_original_and_what_it_was_called_with() -> None:
    patched_module = module()
    wrap(patched_module, "Task.run", ("self", "node"), twice)
    wrap(patched_module, "Task.make", ("cls", "name"), twice)
    assert patched_module.Task().run("a", 1) == (("a", 1), ("a", 1))
    assert patched_module.Task.make("b") == (("Task", "b"), ("Task", "b"))


@pytest.mark.parametrize(
    ("path", "parameters"),
    [("Task.run", ("self", "nodes")), ("Task.stop", ("self",)), ("Tisk.run", ("self",)), ("gone", ())],
)
def test_another_dbt_is_refused_by_the_name_of_what_differs(path: str, parameters: tuple[str, ...]) -> None:
    with pytest.raises(DbtUnsupported) as raised:
        wrap(module(), path, parameters, twice)
    assert f"made.{path}" in str(raised.value)
    assert "dbt-core>=1.11,<1.13" in raised.value.hint


def test_an_attribute_of_another_type_is_refused() -> None:
    patched_module = module()
    replace(patched_module, "LIMIT", int, lambda before: before + 1)
    assert patched_module.LIMIT == 4
    with pytest.raises(DbtUnsupported):
        replace(patched_module, "LIMIT", str, lambda before: before)


def test_a_module_is_patched_when_it_is_imported(tmp_path, monkeypatch) -> None:
    (tmp_path / "dvt_test_comes_later.py").write_text("answer = 41\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importing = PatchOnImport()
    importing.add(
        "dvt_test_comes_later",
        lambda patched_module: setattr(patched_module, "answer", patched_module.answer + 1),
    )
    try:
        import dvt_test_comes_later

        assert dvt_test_comes_later.answer == 42
        assert dvt_test_comes_later.__spec__.loader is dvt_test_comes_later.__loader__
    finally:
        sys.meta_path.remove(importing)
        sys.modules.pop("dvt_test_comes_later", None)


EVERY_PATCH = [(module, path) for module, symbols in patches.WRAPPED.items() for path in symbols]


@pytest.mark.parametrize(("module", "path"), EVERY_PATCH)
def test_a_place_that_is_patched_calls_its_wrapper_with_what_it_needs(
    module: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what the wrapper needs, dbt's own function is called alone."""
    patches.apply()
    patch = patches.WRAPPED[module][path]
    *outer, name = path.split(".")
    owner = reduce(getattr, outer, importlib.import_module(module))
    patched = inspect.getattr_static(owner, name)
    patched = getattr(patched, "__func__", patched)
    original = patched.__wrapped__
    assert tuple(inspect.signature(original).parameters)[: len(patch.parameters)] == patch.parameters
    assert _wrapped_by(patched) is patch.wrapper

    calls: list[Any] = []
    plain, federating = SimpleNamespace(plain=True), SimpleNamespace(plain=False)
    recording = replace_field(patch, wrapper=lambda _, *args: calls.append(args)).guarded()
    for session in (None, plain, federating):
        monkeypatch.setattr(patches, "current_session", lambda session=session: session)
        recording(lambda *_: calls.append("dbt's"), "argument")
    assert (
        calls
        == {
            patches.Needs.NOTHING: [("argument",)] * 3,
            patches.Needs.SESSION: ["dbt's", (plain, "argument"), (federating, "argument")],
            patches.Needs.TARGETS: ["dbt's", "dbt's", (federating, "argument")],
        }[patch.needs]
    )


@pytest.mark.parametrize(("module", "path"), EVERY_PATCH)
def test_a_wrapper_takes_what_dbts_function_is_called_with(module: str, path: str) -> None:
    patch = patches.WRAPPED[module][path]
    ours = [] if patch.needs is patches.Needs.NOTHING else [object()]
    inspect.signature(patch.wrapper).bind(object(), *ours, *patch.parameters)


def _wrapped_by(patched: Any) -> Any:
    """Return the wrapper that a patched function calls."""
    cells = inspect.getclosurevars(patched).nonlocals
    return getattr(cells["wrapper"], "__wrapped__", cells["wrapper"])


def test_patches_are_applied_once() -> None:
    from dbt.adapters import factory
    from dbt.task.base import BaseRunner

    patches.apply()
    before = (factory.FACTORY, BaseRunner.__init__)
    patches.apply()
    assert before == (factory.FACTORY, BaseRunner.__init__)
    assert not hasattr(BaseRunner.__init__.__wrapped__, "__wrapped__")


def test_a_dag_over_two_files_runs(shop: Project) -> None:
    shop.model("a", "select 1 as one")
    shop.model("b", "select 2 as two, '{{ target.name }}' as t", target="barn")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("barn", "select two, t from b") == [(2, "barn")]
    assert shop.tables("house") == [("a", "VIEW")]
