"""dbt's cross-database macros."""

from __future__ import annotations

import pytest
from dbt.tests.adapter.utils import fixture_date, fixture_get_intervals_between
from dbt.tests.adapter.utils.data_types.test_type_bigint import BaseTypeBigInt
from dbt.tests.adapter.utils.data_types.test_type_boolean import BaseTypeBoolean
from dbt.tests.adapter.utils.data_types.test_type_float import BaseTypeFloat
from dbt.tests.adapter.utils.data_types.test_type_int import BaseTypeInt
from dbt.tests.adapter.utils.data_types.test_type_numeric import BaseTypeNumeric
from dbt.tests.adapter.utils.data_types.test_type_string import BaseTypeString
from dbt.tests.adapter.utils.data_types.test_type_timestamp import BaseTypeTimestamp
from dbt.tests.adapter.utils.test_any_value import BaseAnyValue
from dbt.tests.adapter.utils.test_bool_or import BaseBoolOr
from dbt.tests.adapter.utils.test_cast import BaseCast
from dbt.tests.adapter.utils.test_cast_bool_to_text import BaseCastBoolToText
from dbt.tests.adapter.utils.test_concat import BaseConcat
from dbt.tests.adapter.utils.test_current_timestamp import BaseCurrentTimestampNaive
from dbt.tests.adapter.utils.test_date import BaseDate
from dbt.tests.adapter.utils.test_date_spine import BaseDateSpine
from dbt.tests.adapter.utils.test_date_trunc import BaseDateTrunc
from dbt.tests.adapter.utils.test_dateadd import BaseDateAdd
from dbt.tests.adapter.utils.test_datediff import BaseDateDiff
from dbt.tests.adapter.utils.test_equals import BaseEquals
from dbt.tests.adapter.utils.test_escape_single_quotes import BaseEscapeSingleQuotesQuote
from dbt.tests.adapter.utils.test_except import BaseExcept
from dbt.tests.adapter.utils.test_generate_series import BaseGenerateSeries
from dbt.tests.adapter.utils.test_get_intervals_between import BaseGetIntervalsBetween
from dbt.tests.adapter.utils.test_get_powers_of_two import BaseGetPowersOfTwo
from dbt.tests.adapter.utils.test_hash import BaseHash
from dbt.tests.adapter.utils.test_intersect import BaseIntersect
from dbt.tests.adapter.utils.test_last_day import BaseLastDay
from dbt.tests.adapter.utils.test_length import BaseLength
from dbt.tests.adapter.utils.test_listagg import BaseListagg
from dbt.tests.adapter.utils.test_null_compare import BaseMixedNullCompare, BaseNullCompare
from dbt.tests.adapter.utils.test_position import BasePosition
from dbt.tests.adapter.utils.test_replace import BaseReplace
from dbt.tests.adapter.utils.test_right import BaseRight
from dbt.tests.adapter.utils.test_safe_cast import BaseSafeCast
from dbt.tests.adapter.utils.test_source_freshness_custom_info import BaseCalculateFreshnessMethod
from dbt.tests.adapter.utils.test_split_part import BaseSplitPart
from dbt.tests.adapter.utils.test_string_literal import BaseStringLiteral
from dbt.tests.adapter.utils.test_timestamps import BaseCurrentTimestamps
from dbt.tests.adapter.utils.test_validate_sql import BaseValidateSqlMethod
from dbt.tests.util import run_dbt

from dvt.dbt_adapters.mysql.column import kind_of


class AsTheServerMakesIt:
    """A comparison by kinds of types: on MariaDB a literal's type depends on its digits."""

    def assert_columns_equal(self, project, expected_cols, actual_cols):
        expected = [(name, kind_of(kind)) for name, kind, _ in expected_cols]
        assert [(name, kind_of(kind)) for name, kind, _ in actual_cols] == expected


class TestTypeBigInt(BaseTypeBigInt): ...


class TestTypeBoolean(AsTheServerMakesIt, BaseTypeBoolean):
    @pytest.fixture(scope="class")
    def models(self):
        """Cast `true`, since MariaDB casts no text to a boolean."""
        return {"actual.sql": "select cast(true as {{ type_boolean() }}) as boolean_col"}


class TestTypeFloat(BaseTypeFloat): ...


class TestTypeInt(AsTheServerMakesIt, BaseTypeInt): ...


class TestTypeNumeric(BaseTypeNumeric): ...


class TestTypeString(AsTheServerMakesIt, BaseTypeString): ...


class TestTypeTimestamp(AsTheServerMakesIt, BaseTypeTimestamp): ...


class TestAnyValue(BaseAnyValue): ...


class TestBoolOr(BaseBoolOr): ...


class TestCast(BaseCast): ...


class TestCastBoolToText(BaseCastBoolToText): ...


class TestConcat(BaseConcat): ...


class TestCurrentTimestampNaive(BaseCurrentTimestampNaive): ...


class TestDate(BaseDate):
    @pytest.fixture(scope="class")
    def models(self):
        """Join from both sides, since MariaDB has no full outer join."""
        sql = fixture_date.models__test_date_sql.replace("full outer join", "left join")
        reverse = (
            "select * from joined union select generated_dates.date_day, expected_dates.expected "
            "from expected_dates left join generated_dates "
            "on generated_dates.date_day = expected_dates.expected"
        )
        sql = sql.replace("select * from joined", reverse)
        return {"test_date.yml": fixture_date.models__test_date_yml, "test_date.sql": sql}


class TestDateSpine(BaseDateSpine): ...


class TestDateTrunc(BaseDateTrunc): ...


class TestDateAdd(BaseDateAdd): ...


class TestDateDiff(BaseDateDiff): ...


class TestEquals(BaseEquals): ...


class TestEscapeSingleQuotesQuote(BaseEscapeSingleQuotesQuote): ...


class TestExcept(BaseExcept): ...


class TestGenerateSeries(BaseGenerateSeries): ...


class TestGetIntervalsBetween(BaseGetIntervalsBetween):
    @pytest.fixture(scope="class")
    def models(self):
        """Write dates with the year first."""
        theirs = fixture_get_intervals_between
        sql = theirs.models__test_get_intervals_between_sql
        return {
            "test_get_intervals_between.yml": theirs.models__test_get_intervals_between_yml,
            "test_get_intervals_between.sql": sql.replace("09/01/2023", "2023-09-01").replace(
                "09/12/2023", "2023-09-12"
            ),
        }


class TestGetPowersOfTwo(BaseGetPowersOfTwo): ...


class TestHash(BaseHash): ...


class TestIntersect(BaseIntersect): ...


class TestLastDay(BaseLastDay): ...


class TestLength(BaseLength): ...


class TestListagg(BaseListagg): ...


class TestMixedNullCompare(BaseMixedNullCompare): ...


class TestNullCompare(BaseNullCompare): ...


class TestPosition(BasePosition): ...


class TestReplace(BaseReplace): ...


class TestRight(BaseRight): ...


class TestSafeCast(BaseSafeCast): ...


SAFE = {
    "bigint": {
        "12": 12,
        " 12 ": 12,
        "-1": -1,
        "+7": 7,
        "1.5": 2,
        "1.": 1,
        "-2.5": -3,
        "1e3": 1000,
        "1e-7": 0,
        "9223372036854775807": 2**63 - 1,
        "9223372036854775808": None,
        "-9223372036854775808": -(2**63),
        "9223372036854775807.5": None,
        "1e19": None,
        "1e999": None,
        "9" * 80: None,
        "0x1f": None,
        "abc": None,
        "": None,
        "1\n2": None,
        "12\n": None,
        "-": None,
        "0." + "1" * 90: 0,
    },
    "bigint unsigned": {"18446744073709551615": 2**64 - 1, "18446744073709551616": None, "-1": None, "0": 0},
    "decimal(5,2)": {
        "1.005": "1.01",
        "999.99": "999.99",
        "999.994": "999.99",
        "999.995": None,
        "-999.996": None,
        "1e2": "100.00",
        "1e3": None,
        "x": None,
    },
    "decimal(65,0)": {"9" * 64: "9" * 64, "9" * 66: None},
    "double": {
        "1.5": 1.5,
        "-1e300": -1e300,
        "1e307": 1e307,
        "1e999": None,
        "1e-400": None,
        ".5": 0.5,
        "x": None,
        "9" * 60: 1e60,
    },
    "date": {
        "2024-02-29": "2024-02-29",
        "2023-02-29": None,
        "2024-04-31": None,
        "2024-13-01": None,
        "0000-00-00": None,
        "0000-01-01": None,
        "2024-00-10": None,
        "abc": None,
        "": None,
        "2024-01-31 10:11:12": "2024-01-31",
        "2024-01-01x": None,
        "2024-01-01\n": None,
    },
    "datetime(6)": {
        "2024-02-29T23:59:59.123456789": "2024-02-29 23:59:59.123456",
        "2024-01-01": "2024-01-01 00:00:00.000000",
        "2024-01-01 24:00:00": None,
        "2024-01-01 10:61": None,
        "2024-02-30 10:00:00": None,
        "9999-12-31 23:59:59.9999999": "9999-12-31 23:59:59.999999",
    },
    "time(6)": {
        "10:11": "10:11:00.000000",
        "-838:59:59": "-838:59:59.000000",
        "839:00:00": None,
        "10:60:00": None,
    },
    "json": {'{"a": 1}': '{"a": 1}', "{": None},
    "varchar(2)": {"abcdef": "abcdef"},
}
"""Type → text → its value as the server shows it; None where the text is no value of the type."""


class TestSafeCastInATable:
    """safe_cast in CREATE TABLE … AS, where strict mode makes an error of a value that does not fit."""

    @pytest.fixture(scope="class")
    def models(self):
        texts = [(kind, text) for kind, values in SAFE.items() for text in values]
        rows = {
            kind: " union all ".join(
                f"select {number} as n, '{text}' as t"
                for number, (text_kind, text) in enumerate(texts)
                if text_kind == kind
            )
            for kind in SAFE
        }
        return {
            f"safe_{number}.sql": "{{ config(materialized='table') }} select n, {{ safe_cast('t', '"
            + kind
            + "') }} as v from ("
            + rows[kind].replace("\n", "\\n")
            + ") as texts"
            for number, kind in enumerate(SAFE)
        }

    def test_safe_cast_turns_what_does_not_fit_into_null(self, server, project):
        run_dbt(["run"])
        for number, (kind, values) in enumerate(SAFE.items()):
            query = f"select cast(v as char) from {project.test_schema}.safe_{number} order by n"
            read = float if kind == "double" else str
            answers = [value if value is None else read(value) for (value,) in server.execute(query)]
            assert dict(zip(values, answers, strict=True)) == {
                text: value if value is None else read(value) for text, value in values.items()
            }, kind


class TestCalculateFreshnessMethod(BaseCalculateFreshnessMethod): ...


class TestSplitPart(BaseSplitPart): ...


class TestStringLiteral(BaseStringLiteral): ...


class TestCurrentTimestamps(BaseCurrentTimestamps):
    @pytest.fixture(scope="class")
    def models(self):
        """Name the columns differently: `current_timestamp` is a reserved word."""
        return {
            "get_current_timestamp.sql": "select {{ current_timestamp() }} as now, "
            "{{ current_timestamp_in_utc_backcompat() }} as in_utc, "
            "{{ current_timestamp_backcompat() }} as backcompat"
        }

    @pytest.fixture(scope="class")
    def expected_schema(self):
        return dict.fromkeys(("now", "in_utc", "backcompat"), "datetime(6)")

    @pytest.fixture(scope="class")
    def expected_sql(self):
        call = "current_timestamp(6)"
        return f"select {call} as now, {call} as in_utc, {call} as backcompat"


class TestValidateSqlMethod(BaseValidateSqlMethod): ...
