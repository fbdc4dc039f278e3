"""Tells people what has happened: by the log, a webhook, and mail."""

from __future__ import annotations

import http.client
import json
import logging
import os
import smtplib
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from dvt.core.errors import AlarmNotDelivered
from dvt.core.retention import Moment
from dvt.core.schedule import AlarmKind, Alarms, Mail, Webhook
from dvt.lifecycle.reports.times import moment_text

_LOG = logging.getLogger("dvt.lifecycle.schedule")
_TIMEOUT = 10
"""Seconds for which a server is waited for."""
_PAUSES = (1.0, 5.0)
"""Seconds between attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What somebody is told."""

    kind: AlarmKind
    text: str
    """One sentence or more, without the content of files and without secrets."""
    project: str
    """The project's folder."""
    at: Moment
    facts: Mapping[str, Any] = field(default_factory=dict)
    """For programs."""

    @property
    def title(self) -> str:
        """A line."""
        return f"dvt lifecycle: {self.kind} on {socket.gethostname()}"


def tell(
    alarm: Alarm,
    alarms: Alarms,
    *,
    environment: Mapping[str, str] = os.environ,
    pauses: Sequence[float] = _PAUSES,
    wait: Callable[[float], object] = lambda _seconds: None,
) -> list[AlarmNotDelivered]:
    """Tell whoever wants to know; return which ways have failed.

    `wait` is called between attempts, with seconds.
    """
    if alarm.kind not in alarms.about:
        return []
    if alarms.log:
        _LOG.warning("%s: %s", alarm.kind, alarm.text)
    failures = list(_deliveries(alarm, alarms, environment, pauses, wait))
    for failure in failures:
        _LOG.error("%s", failure.message)
    return failures


def _deliveries(
    alarm: Alarm,
    alarms: Alarms,
    environment: Mapping[str, str],
    pauses: Sequence[float],
    wait: Callable[[float], object],
) -> Iterator[AlarmNotDelivered]:
    ways: list[Callable[[], None]] = []
    if alarms.webhook is not None:
        hook = alarms.webhook
        ways.append(lambda: _post(alarm, hook))
    if alarms.mail is not None:
        mail = alarms.mail
        ways.append(lambda: _send(alarm, mail, environment))
    for way in ways:
        for pause in (*pauses, None):
            try:
                way()
                break
            except AlarmNotDelivered as failure:
                if pause is None:
                    yield failure
                else:
                    wait(pause)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows none: an alarm goes to the address in the file, or nowhere."""

    def redirect_request(self, *_args: Any, **_keywords: Any) -> None:
        return None


def _post(alarm: Alarm, hook: Webhook) -> None:
    """Send an alarm as JSON. No error has the address: it may be what lets others in."""
    content = {
        "text": f"{alarm.title}: {alarm.text}",  # what chats show of it
        "kind": alarm.kind,
        "message": alarm.text,
        "host": socket.gethostname(),
        "project": alarm.project,
        "at": moment_text(alarm.at),
        **alarm.facts,
    }
    headers = {"Content-Type": "application/json", "User-Agent": "dvt", **hook.headers}
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        request = urllib.request.Request(  # noqa: S310  its scheme was looked at when the file was read
            hook.url, json.dumps(content).encode(), headers, method="POST"
        )
        with opener.open(request, timeout=_TIMEOUT):
            return
    except urllib.error.HTTPError as error:
        error.close()
        redirected = ", and redirects are not followed" if 300 <= error.code < 400 else ""  # noqa: PLR2004
        raise AlarmNotDelivered("webhook", f"its answer is {error.code}{redirected}") from None
    except urllib.error.URLError as error:
        reason = error.reason
        text = (reason.strerror if isinstance(reason, OSError) else "") or type(reason).__name__
        raise AlarmNotDelivered("webhook", text) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise AlarmNotDelivered("webhook", type(error).__name__) from None


def _send(alarm: Alarm, mail: Mail, environment: Mapping[str, str]) -> None:
    """Send an alarm as mail."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = alarm.title, mail.sender, ", ".join(mail.to)
    facts = json.dumps(alarm.facts, indent=2) if alarm.facts else ""
    message.set_content(f"{alarm.text}\n\nproject: {alarm.project}\nat: {moment_text(alarm.at)}\n{facts}\n")
    password = environment.get(mail.password_env, "")
    if mail.user and not password:
        raise AlarmNotDelivered("mail", f"environment variable {mail.password_env} is not set")
    try:
        with _server(mail) as server:
            if mail.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if mail.user:
                server.login(mail.user, password)
            server.send_message(message)
    except smtplib.SMTPResponseException as error:
        # The server's text is left out: it may repeat what it was sent.
        raise AlarmNotDelivered("mail", f"the server's answer is {error.smtp_code}") from None
    except smtplib.SMTPException as error:
        raise AlarmNotDelivered("mail", type(error).__name__) from None
    except OSError as error:
        raise AlarmNotDelivered("mail", error.strerror or type(error).__name__) from None


def _server(mail: Mail) -> smtplib.SMTP:
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=_TIMEOUT, context=ssl.create_default_context())
    return smtplib.SMTP(mail.host, mail.port, timeout=_TIMEOUT)
