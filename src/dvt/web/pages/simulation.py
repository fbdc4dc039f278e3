"""What there would have been with what is filled in for a policy, as a chart beside the form."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from dvt.lifecycle.reports.simulations import Comparison
from dvt.web.pages.context import CLEANUP, Administering, Filled
from dvt.web.pages.policies import policy_in, texts
from dvt.web.pages.policy_forms import FormInvalid, policy_of
from dvt.web.pages.usage import HEIGHT, WIDTH, usage

router = APIRouter(prefix=CLEANUP, include_in_schema=False)
_OVER = ("30", "90", "365")
"""Days that can be chosen."""


@router.post("/policies/{name}/simulate")
def simulate(visit: Administering, name: str, filled: Filled) -> HTMLResponse:
    """Show how much there would have been with what is filled in; nothing while something of it is wrong."""
    form = texts(filled)
    over = form.get("over", "")
    with visit.system() as system:
        try:
            policy = policy_of(form, policy_in(system, name))
        except FormInvalid:
            return visit.page("simulation.html", {"usage": None})
        wanted, valid = system.simulate(name, policy, int(over) if over in _OVER else 90)
    of = usage(Comparison(wanted=wanted, valid=valid), visit.project.mask())
    return visit.page("simulation.html", {"usage": of, "width": WIDTH, "height": HEIGHT})
