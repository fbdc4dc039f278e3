"""Aliases."""

from __future__ import annotations

from dbt.tests.adapter.aliases.test_aliases import BaseAliasErrors, BaseAliases, BaseSameAliasDifferentSchemas


class TestAliases(BaseAliases): ...


class TestAliasErrors(BaseAliasErrors): ...


class TestSameAliasDifferentSchemas(BaseSameAliasDifferentSchemas): ...
