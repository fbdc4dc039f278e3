"""Renders the outputs of the profile in use as dbt does, each when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbt.config.profile import read_profile
from dbt.config.renderer import ProfileRenderer
from dbt_common.exceptions import DbtBaseException

from dvt.config.profile_values import SECRET_KEYS
from dvt.core.errors import BadOutput, UnknownConnection
from dvt.resolution.output_types import output_type, type_of

_UNRENDERED = (
    "set the environment variable that its Jinja reads, or give it a default: env_var('NAME', 'value')"
)
"""Hint for an output whose Jinja fails."""


class ProfileOutputs:
    """Implements `core.ports.connectors.Settings`: the rendered settings of each output, and its type."""

    def __init__(self, raw: Mapping[str, Any], renderer: ProfileRenderer, profiles_dir: Path) -> None:
        self.profiles_dir = profiles_dir
        self.raw = raw
        self.renderer = renderer
        self._lock = threading.Lock()
        self._rendered: dict[str, Mapping[str, Any]] = {}
        self._types: dict[str, str] | None = None

    @classmethod
    def of(cls, config: Any, profiles_dir: Path) -> ProfileOutputs:
        """Return all outputs of the profile that `config` was made from."""
        raw = read_profile(str(profiles_dir)).get(config.profile_name) or {}
        return cls(raw, ProfileRenderer(config.cli_vars), profiles_dir)

    def __repr__(self) -> str:
        return f"<ProfileOutputs {', '.join(self.names)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all outputs."""
        return tuple(str(name) for name in self.raw.get("outputs") or {})

    @property
    def types(self) -> Mapping[str, str]:
        """Output name → type (`type_of`); an output without a readable type has the type ""."""
        if self._types is None:
            self._types = {name: self._type(name) for name in self.names}
        return self._types

    def can_be_target(self, name: str) -> bool:
        """Return whether models can be built on an output; otherwise it can only be read."""
        return output_type(self.types[name]).can_be_target

    def output(self, name: str) -> Mapping[str, Any]:
        """Return an output's rendered keys and values; UnknownConnection if there is none of that name."""
        with self._lock:
            if name not in self._rendered:
                self._rendered[name] = self._render(name)
            return self._rendered[name]

    def scrubbed(self, name: str, text: str) -> str:
        """Return a message about an output with the values of keys that may be secret replaced."""
        raw = self.raw["outputs"].get(name)
        for key, value in raw.items() if isinstance(raw, dict) else ():
            if SECRET_KEYS.search(str(key)):
                for secret in {str(value), self._rendered_text(value)} - {""}:
                    text = text.replace(secret, "***")
        return text.strip()

    def _rendered_text(self, value: Any) -> str:
        """Return the value as rendered; "" if it cannot be rendered."""
        try:
            return str(self.renderer.render_value(value))
        except DbtBaseException:
            return ""

    def _type(self, name: str) -> str:
        raw = self.raw["outputs"][name]
        if not isinstance(raw, dict):
            return ""
        return type_of(self._rendered_text(raw.get("type", "")), self._rendered_text(raw.get("url", "")))

    def _render(self, name: str) -> Mapping[str, Any]:
        outputs = self.raw.get("outputs") or {}
        if name not in outputs:
            raise UnknownConnection("this invocation", name, self.names)
        raw = outputs[name]
        if not isinstance(raw, dict):
            raise BadOutput(name, "unknown", "is not a mapping of keys")
        try:
            return dict(self.renderer.render_data(raw))
        except DbtBaseException as error:
            problem = self.scrubbed(name, str(error))
            raise BadOutput(name, self._type(name), problem, _UNRENDERED) from error
