"""What a command of dvt is: a row of the registry, read by help, by the command line and by the bridge."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """A command as help shows it, and where it comes from."""

    summary: str
    examples: tuple[str, ...] = ()
    load: str = ""
    """Dotted path `package.module:function` of what makes its click command; empty: dbt has the command."""
    runs_nodes: bool = False
    """It takes dvt's own flags: --compute and --keep-staging."""
    needs_dbt: bool = True
    """False: it runs without dbt being imported."""

    @property
    def epilog(self) -> str:
        """Its examples as the last paragraph of its help, in click's words; empty when there are none."""
        if not self.examples:
            return ""
        return "\n".join(("\b", "Examples:", *(f"  {example}" for example in self.examples)))
