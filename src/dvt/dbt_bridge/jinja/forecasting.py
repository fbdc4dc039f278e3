"""The Jinja context of a node that is compiled before it runs: without statements, logs and warnings."""

from __future__ import annotations

from typing import Any

from dbt.context.providers import RuntimeDatabaseWrapper

_READING = frozenset(
    {
        *("dispatch", "quote", "quote_as_configured", "quote_seed_column", "type", "date_function"),
        *("get_relation", "get_columns_in_relation"),
    }
)
"""Methods of an adapter that change nothing and send nothing but questions to the catalog."""


class NotForecast(Exception):
    """The Jinja does what is to be done once, when the node runs."""


class ForecastDatabaseWrapper(RuntimeDatabaseWrapper):
    """A context's `adapter` object, with its reading methods only."""

    wrapped: Any

    @classmethod
    def over(cls, wrapper: RuntimeDatabaseWrapper) -> ForecastDatabaseWrapper:
        """Return a wrapper around `wrapper`, with the same adapter and namespace."""
        forecasting = cls(wrapper._adapter, wrapper._namespace)  # noqa: SLF001 - the class we extend
        forecasting.wrapped = wrapper
        return forecasting

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.wrapped, name)
        if callable(attribute) and name not in _READING and not isinstance(attribute, type):
            msg = f"adapter.{name}"
            raise NotForecast(msg)
        return attribute


def make_silent(context: dict[str, Any]) -> None:
    """Change a context so that rendering shows nothing and runs no statement."""
    context["adapter"] = ForecastDatabaseWrapper.over(context["adapter"])
    context["log"] = context["print"] = _say_nothing
    context["exceptions"] = {**context["exceptions"], "warn": _say_nothing}


def _say_nothing(*_: Any, **__: Any) -> str:
    return ""
