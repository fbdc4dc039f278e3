"""Errors of the API and the page: of requests, and of the address that they are served at."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class RequestInvalid(DvtError):
    """A request of the API is not one that it takes."""

    code = "DVT230"

    def __init__(self, problem: str, hint: str = "") -> None:
        self.problem = problem
        super().__init__(
            problem, hint=hint or "the document openapi.json of this server describes every request"
        )


class NotSignedIn(DvtError):
    """A request of the API has no token, or one that is wrong, revoked or expired."""

    code = "DVT231"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"who asks is not known: {reason}",
            hint="send `Authorization: Bearer TOKEN`; to make one: dvt lifecycle tokens add NAME --role ROLE",
        )


class RoleTooLow(DvtError):
    """The role of who asks is too low for a request of the API."""

    code = "DVT232"

    def __init__(self, name: str, role: str, needed: str) -> None:
        self.name, self.role, self.needed = name, role, needed
        super().__init__(
            f"{name} is {role}, and this needs the role {needed}",
            hint="an admin makes tokens of other roles: dvt lifecycle tokens add NAME --role ROLE",
        )


class RequestForged(DvtError):
    """A request seems to come from another site than the page, in the name of who is signed in."""

    code = "DVT233"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"this request may come from another site: {reason}",
            hint="load the page again; programs send a token instead of the page's cookie",
        )


class TooManyRequests(DvtError):
    """Somebody asks the API too often."""

    code = "DVT234"
    transient = True

    def __init__(self, what: str, seconds: int) -> None:
        self.what, self.seconds = what, seconds
        super().__init__(f"too many {what}", hint=f"ask again in {seconds} s")


class NotThere(DvtError):
    """What somebody names is not there."""

    code = "DVT235"

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = what
        super().__init__(f"there is no {what}", hint=hint)


class RequestTooLarge(DvtError):
    """The body of a request of the API is too large."""

    code = "DVT236"

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(f"the body of a request has at most {most:,} bytes")


class RunNotAtWork(DvtError):
    """A run cannot be stopped: it is over, or was killed."""

    code = "DVT237"

    def __init__(self, run: str, reason: str) -> None:
        self.run, self.reason = run, reason
        super().__init__(f"run {run} cannot be stopped: {reason}")


class ConfirmationNeeded(DvtError):
    """A change of policies would delete much more, and was not confirmed."""

    code = "DVT238"

    def __init__(self, effects: tuple[str, ...]) -> None:
        self.effects = effects
        super().__init__(
            "items would stay for a much shorter time, or with fewer of each group: " + "; ".join(effects),
            hint='repeat the request with "confirm": true if that is meant',
        )


class AddressRefused(DvtError):
    """The page and the API are not served at an address that others can reach, unless that is allowed."""

    code = "DVT239"

    def __init__(self, host: str, reason: str, hint: str) -> None:
        self.host = host
        super().__init__(f"nothing is served at {host}: {reason}", hint=hint)


class RunNotBegun(DvtError):
    """A server that is about to end begins no runs."""

    code = "DVT243"
    transient = True

    def __init__(self, plan: str) -> None:
        self.plan = plan
        super().__init__(f"no run of plan {plan} is begun: this server is about to end")
