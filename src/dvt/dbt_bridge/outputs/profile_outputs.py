"""The outputs of the profile in use, rendered as dbt renders them, each when it is first asked for."""

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
from dvt.resolution.output_types import output_type


class ProfileOutputs:
    """Settings by output name (`core.ports.connectors.Settings`), and each output's type."""

    def __init__(self, raw: Mapping[str, Any], renderer: ProfileRenderer, profiles_dir: Path) -> None:
        self.profiles_dir = profiles_dir
        self.raw = raw
        self.renderer = renderer
        self._lock = threading.Lock()
        self._rendered: dict[str, Mapping[str, Any]] = {}
        self._types: dict[str, str] | None = None

    @classmethod
    def of(cls, config: Any, profiles_dir: Path) -> ProfileOutputs:
        """The outputs beside the one `config` was made from."""
        raw = read_profile(str(profiles_dir)).get(config.profile_name) or {}
        return cls(raw, ProfileRenderer(config.cli_vars), profiles_dir)

    def __repr__(self) -> str:
        return f"<ProfileOutputs {', '.join(self.names)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Every output's name."""
        return tuple(str(name) for name in self.raw.get("outputs") or {})

    @property
    def types(self) -> Mapping[str, str]:
        """Output name → type; an output without a readable type has the type ""."""
        if self._types is None:
            self._types = {name: self._type(name) for name in self.names}
        return self._types

    def can_be_target(self, name: str) -> bool:
        """True when models can be built on an output; False when it can only be read."""
        return output_type(self.types[name]).can_be_target

    def output(self, name: str) -> Mapping[str, Any]:
        """One output's keys and values; UnknownConnection when there is none of that name."""
        with self._lock:
            if name not in self._rendered:
                self._rendered[name] = self._render(name)
            return self._rendered[name]

    def scrubbed(self, name: str, text: str) -> str:
        """A message about an output without the values of keys that may be secret."""
        raw = self.raw["outputs"].get(name)
        for key, value in raw.items() if isinstance(raw, dict) else ():
            if SECRET_KEYS.search(str(key)):
                for shown in {str(value), self._shown(value)} - {""}:
                    text = text.replace(shown, "***")
        return text.strip()

    def _shown(self, value: Any) -> str:
        try:
            return str(self.renderer.render_value(value))
        except DbtBaseException:
            return ""

    def _type(self, name: str) -> str:
        raw = self.raw["outputs"][name]
        return self._shown(raw.get("type", "") if isinstance(raw, dict) else "")

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
            raise BadOutput(name, self._type(name), self.scrubbed(name, str(error))) from error
