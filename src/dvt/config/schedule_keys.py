"""The keys of `schedule` in lifecycle.yml."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dvt.config.key_types import Duration, Texts, number, several
from dvt.config.problems import Strict
from dvt.core.cron import cron
from dvt.core.schedule import AlarmKind, Alarms, Mail, Missed, Pressure, Schedule, Webhook
from dvt.core.sizes import size

_SHARE = re.compile(r"(\d{1,2}) ?%", re.ASCII)


def _cron(text: str) -> str:
    return cron(text).text


def _room(value: Any) -> str:
    text = str(value)
    if not _SHARE.fullmatch(text):
        try:
            size(text)
        except ValueError:
            msg = "should be a share of the disk such as 5%, or a size such as 10GB"
            raise ValueError(msg) from None
    return text


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username is not None:
        msg = "should be an address as https://host/path, without user and password (use `headers`)"
        raise ValueError(msg)
    return text


def _variable(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        msg = "should be the name of an environment variable, such as DVT_SMTP_PASSWORD, not the password"
        raise ValueError(msg)
    return text


_Seconds = Annotated[float, Field(ge=0, le=86_400 * 7, strict=False), BeforeValidator(number)]
_Kind = Literal["partial", "stopped", "refused", "failed", "missed", "overdue", "pressure"]


class WebhookKeys(Strict):
    """An address that is sent JSON."""

    url: Annotated[str, AfterValidator(_url)]
    """The address; redirects are not followed."""
    allow_http: bool = False
    """Whether it may be http, so that others on the way can read it."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers that are sent, such as `Authorization`."""

    @model_validator(mode="after")
    def _is_encrypted(self) -> WebhookKeys:
        if urlsplit(self.url).scheme != "https" and not self.allow_http:
            msg = "the address is not https; if others may read it, say `allow_http: true`"
            raise ValueError(msg)
        return self


class MailKeys(Strict):
    """A server that takes mail, and to whom it goes."""

    host: Annotated[str, Field(min_length=1)]
    """Name of the server."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Its port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How it is encrypted."""
    user: str = ""
    """User of the server; without one there is no login."""
    password_env: Annotated[str, AfterValidator(_variable)] = "DVT_SMTP_PASSWORD"  # noqa: S105  its variable
    """Name of the environment variable that has the password."""
    sender: Annotated[str, Field(min_length=3)]
    """From whom it is."""
    to: Annotated[Texts, Field(min_length=1)]
    """To whom it goes."""


class AlarmKeys(Strict):
    """Who is told what."""

    about: Annotated[list[_Kind], BeforeValidator(several)] = Field(
        default_factory=lambda: [kind.value for kind in AlarmKind]
    )
    """What is told (all)."""
    log: bool = True
    """Whether alarms are written to the log."""
    webhook: WebhookKeys | None = None
    """An address that is sent JSON."""
    mail: MailKeys | None = None
    """A server that takes mail."""

    def alarms(self) -> Alarms:
        """Return them as the schedule has them."""
        hook, mail = self.webhook, self.mail
        return Alarms(
            about=frozenset(map(AlarmKind, self.about)),
            log=self.log,
            webhook=None if hook is None else Webhook(url=hook.url, headers=hook.headers),
            mail=None
            if mail is None
            else Mail(
                host=mail.host,
                port=mail.port,
                security=mail.security,
                user=mail.user,
                password_env=mail.password_env,
                sender=mail.sender,
                to=tuple(mail.to),
            ),
        )


class PressureKeys(Strict):
    """When a disk is too full, and what is cleaned first then."""

    free_below: Annotated[str, BeforeValidator(_room)]
    """Less free room than this is too little: a share such as 5%, or a size such as 10GB."""
    order: Annotated[Texts, Field(min_length=1)]
    """Data types, the least valuable first."""
    every: Annotated[_Seconds, Field(ge=1)] = 300
    """Seconds between two looks at the disks (300)."""

    def pressure(self) -> Pressure:
        """Return it as the schedule has it."""
        share = _SHARE.fullmatch(self.free_below)
        return Pressure(
            free_below=int(share[1]) if share else size(self.free_below),
            is_share=share is not None,
            order=tuple(self.order),
            every=self.every,
        )


class ScheduleKeys(Strict):
    """When the lifecycle cleans by itself."""

    cron: Annotated[str, AfterValidator(_cron)] = "0 2 * * *"
    """Minute, hour, day of the month, month, day of the week, by the clocks of `zone` (0 2 * * *)."""
    missed: Literal["run_once", "skip"] = "run_once"
    """Whether runs that were missed are made up for, by one (run_once)."""
    budget: Annotated[_Seconds, Field(gt=0)] | None = None
    """Seconds after which a run begins nothing (none)."""
    jitter: _Seconds = 0
    """A run begins up to so many seconds later, by chance (0)."""
    nice: bool = True
    """Whether it leaves processor and disks to others (true)."""
    overdue_after: Duration | None = None
    """The time without a run after which somebody is told (two hours more than between two runs)."""
    alarms: AlarmKeys = Field(default_factory=AlarmKeys)
    """Who is told what."""
    pressure: PressureKeys | None = None
    """What is cleaned, and when, as soon as a disk is too full (nothing)."""

    def schedule(self, zone: str) -> Schedule:
        """Return it with the time zone of the file."""
        return Schedule(
            cron=cron(self.cron),
            zone=ZoneInfo(zone),
            missed=Missed(self.missed),
            budget=self.budget,
            jitter=self.jitter,
            nice=self.nice,
            overdue_after=self.overdue_after,
            alarms=self.alarms.alarms(),
            pressure=None if self.pressure is None else self.pressure.pressure(),
        )
