"""Aliases."""

from __future__ import annotations

import pytest
from dbt.tests.adapter.aliases import fixtures
from dbt.tests.adapter.aliases.test_aliases import BaseAliasErrors, BaseAliases, BaseSameAliasDifferentSchemas

LITERAL = "{% macro string_literal(s) %}'{{ s }}'{% endmacro %}"


class Literals:
    @pytest.fixture(scope="class")
    def macros(self):
        return {"cast.sql": LITERAL, "expect_value.sql": fixtures.MACROS__EXPECT_VALUE_SQL}


class TestAliases(Literals, BaseAliases): ...


class TestAliasErrors(Literals, BaseAliasErrors): ...


class TestSameAliasDifferentSchemas(Literals, BaseSameAliasDifferentSchemas): ...
