"""Renders the values of profiles.yml as dbt renders them, without dbt.

    {{ env_var('PGPORT') | as_number }}  →  5432

Whatever dbt gives a value for, this gives the same value for. Where dbt goes on without one (a secret that a
filter has changed, a lone undefined name) or with the raw text (a password with an environment variable that
is not set), this raises `CannotRender`, and it does so for the names that only a run of dbt knows.
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Mapping
from datetime import date
from typing import Any

from jinja2 import TemplateSyntaxError, Undefined, UndefinedError
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

SECRET_KEYS = re.compile(r"pass|pwd|secret|token|_key|credential", re.IGNORECASE)
"""Matches keys of outputs whose values no message may show."""
OF_A_RUN = frozenset(
    {"builtins", "context", "dbt_version", "flags", "invocation_id", "run_started_at", "thread_id"}
    | {"modules", "return", "log", "print", "local_md5", "diff_of_two_dicts"}
    | {"fromjson", "fromyaml", "tojson", "toyaml", "set", "set_strict", "zip", "zip_strict"}
    | {"otel_trace_id", "otel_span_id"}
)
"""Names that dbt has in profiles.yml too, and this has not; those of OpenTelemetry from dbt-core 1.12 on."""
_SECRET_PREFIX = "DBT_ENV_SECRET"  # noqa: S105 - a prefix
_PLACEHOLDER = "$$$DBT_SECRET_START$$${}$$$DBT_SECRET_END$$$"
"""Stands for a secret while Jinja runs, as in dbt: no filter sees the secret itself."""
_PLACEHOLDER_START = "$$$dbt_secret_start"
_PLACED = re.compile(re.escape(_PLACEHOLDER).replace(r"\{\}", f"({_SECRET_PREFIX}.*?)"))
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")

Path = tuple[str, ...]
"""Keys that lead to a value, from its output on."""


class CannotRender(Exception):
    """A value has no meaning without a run of dbt, or none at all. Its text shows no secret."""

    def __init__(self, path: Path, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.path, self.problem, self.hint = path, problem, hint


class _Refused(Exception):
    """A function, name or filter in Jinja cannot give its value."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


class _Undefined(Undefined):
    """jinja2's, but for names that a run of dbt would know."""

    def __init__(
        self, hint: str | None = None, obj: Any = missing, name: str | None = None, **more: Any
    ) -> None:
        if obj is missing and name in OF_A_RUN:
            raise _Refused(f"{name!r} is known to a run of dbt only")
        super().__init__(hint, obj, name, **more)


class _Text(str):
    """What `as_text` gives."""

    __slots__ = ()


class _Literal(str):
    """What `as_native` gives: a Python literal, or else text."""

    __slots__ = ()


class _Boolean(_Literal):
    """What `as_bool` gives."""


class _Number(_Literal):
    """What `as_number` gives."""


class _Environment(SandboxedEnvironment):
    code_generator_class = NativeCodeGenerator


class Renderer:
    """Renders values with environment variables and the variables of `--vars`."""

    def __init__(self, variables: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._variables, self._environment = variables, environment
        self._jinja = _Environment(
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], undefined=_Undefined
        )
        self._jinja.filters |= {"as_text": _Text, "as_native": _Literal, "as_bool": _Boolean}
        self._jinja.filters |= {"as_number": _Number, "is_list": lambda value: isinstance(value, list)}
        self._context = {"env_var": self._env_var, "var": self._var}

    def render(self, value: Any, path: Path) -> Any:
        """Render a value, and those in it; keys stay as they are."""
        match value:
            case list():
                return [self.render(item, (*path, str(place))) for place, item in enumerate(value)]
            case dict():
                return {key: self.render(item, (*path, str(key))) for key, item in value.items()}
            case str():
                return self._with_secrets(self._rendered(value, path), path)
            case date():
                return value.isoformat()
            case int() | float() | None:
                return value
        raise CannotRender(path, f"a value of type {type(value).__name__} can be no setting")

    def _rendered(self, text: str, path: Path) -> Any:
        try:
            result = _joined(self._nodes(text))
        except _Refused as error:
            raise CannotRender(path, str(error), error.hint) from None
        except RecursionError:
            raise
        except Exception as error:  # noqa: BLE001 - Jinja runs what the file says
            if "password" in path:
                return text  # dbt: passwords may look like Jinja
            raise CannotRender(path, _problem(error, text, path)) from None
        if isinstance(result, Undefined):
            raise CannotRender(path, "its name is undefined")
        return result

    def _with_secrets(self, result: Any, path: Path) -> Any:
        is_text = isinstance(result, str)
        beside = _PLACED.sub("", result) if is_text else str(result)
        if _SECRET_PREFIX in beside or _PLACEHOLDER_START in beside.lower():
            raise CannotRender(path, "a secret can only be used as it is", "remove filters and operators")
        if not is_text:
            return result
        return _PLACED.sub(lambda match: self._environment.get(match[1], match[0]), result)

    def _nodes(self, text: str) -> list[Any]:
        template = self._jinja.from_string(text)
        return list(template.root_render_func(template.new_context(self._context)))

    def _env_var(self, name: str, default: Any = None) -> Any:
        if name in self._environment:
            secret = name.startswith(_SECRET_PREFIX)
            return _PLACEHOLDER.format(name) if secret else self._environment[name]
        if default is None:
            hint = f"set it, or say what to take instead: env_var('{name}', '…')"
            raise _Refused(f"environment variable {name!r} is not set", hint)
        return default

    def _var(self, name: str, default: Any = _Refused) -> Any:
        value = self._variables.get(name, default)
        if value is _Refused:
            raise _Refused(f"variable {name!r} is not given", f"--vars '{{{name}: …}}'")
        if name in self._variables and isinstance(value, str):
            return "".join(map(str, self._nodes(value)))
        return value


def _joined(nodes: list[Any]) -> Any:
    """Return the value of a template from those of its parts, as dbt does."""
    if len(nodes) != 1:
        return "".join(map(str, nodes))
    (node,) = nodes
    if isinstance(node, _Text):
        return str(node)
    if not isinstance(node, _Literal):
        return node
    try:
        value = literal_eval(node)
    except (ValueError, SyntaxError, MemoryError):
        value = str(node)
    if isinstance(node, _Boolean) and not isinstance(value, bool):
        raise _Refused("it is not a boolean, which as_bool needs")
    if isinstance(node, _Number) and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise _Refused("it is not a number, which as_number needs")
    return value


def _problem(error: Exception, text: str, path: Path) -> str:
    """Say what Jinja says, unless that may show more than the file does, or a part of a secret."""
    kind = "is no valid Jinja" if isinstance(error, TemplateSyntaxError) else "cannot be computed"
    if isinstance(error, TemplateSyntaxError | UndefinedError):
        is_in_file = all(single + double in text for single, double in _QUOTED.findall(str(error)))
        if is_in_file and not any(SECRET_KEYS.search(key) for key in path):
            return f"{kind}: {error.message}"
    return f"{kind} ({type(error).__name__})"
