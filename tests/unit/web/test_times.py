"""Days and times in requests: one that is none is refused, also of a year that no moment is in."""

import pytest

from dvt.core.errors import RequestInvalid
from dvt.lifecycle.reports.times import day_moment
from dvt.web.api.shapes import moment_of


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1690-06-27", 0),
        ("0000-02-29", 0),
        ("1970-01-01T00:00:01Z", 10**9),
        ("9999-12-31T23:59:59Z", 2**63 - 1),
    ],
)
def test_a_year_out_of_reach_is_the_first_or_the_last_moment(text, moment):
    assert moment_of("until", text, day_moment) == moment


@pytest.mark.parametrize("text", ["1000000000.0", "1700-02-29", "12345", "0000", "2026-02-30", "", "9999"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(RequestInvalid, match="until: this is no day and no time"):
        moment_of("until", text, day_moment)
