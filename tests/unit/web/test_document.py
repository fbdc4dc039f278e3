"""The API answers as its OpenAPI document says, whatever it is asked: schemathesis asks."""

from __future__ import annotations

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup

from dvt.core.access import Role
from tests.unit.web.serving import Served

pytestmark = pytest.mark.slow
EXAMPLES = int(os.environ.get("DVT_API_EXAMPLES", "4"))
"""Requests of each operation; the API was asked 400 of each by hand."""

REJECTED = [400, 401, 403, 404, 405, 409, 413]
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": REJECTED}}}
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    from limits import parse

    from dvt.web.access.rates import Rates

    rates = Rates(calls=parse("1000000/second"), failures=parse("1000000/second"))
    served = Served(tmp_path_factory.mktemp("served") / "shop", rates=rates)
    for number in range(5):
        served.files.log(f"dbt.log.{number}", 8)
    yield served
    served.project.close()


@pytest.fixture(scope="module")
def document(served):
    headers = {"Authorization": f"Bearer {served.tokens[Role.ADMIN]}", "Host": "localhost"}
    return schemathesis.openapi.from_asgi("/openapi.json", served.app, headers=headers, config=CONFIG)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_as_the_document_says(served, document, mode):
    headers = {"Authorization": f"Bearer {served.tokens[Role.ADMIN]}", "Host": "localhost"}
    failures = []
    for found in document.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            # What is empty is not in an address, so nothing is wrong with it.
            assume(not any(value in ([], {}) for value in (case.query or {}).values()))
            case.call_and_validate(headers=headers)

        try:
            ask()
        except Unsatisfiable:
            continue  # an operation without anything that could be wrong
        except FailureGroup as failure:
            failures.append(f"{operation.label}: {failure}")
    assert not failures, "\n".join(failures)
