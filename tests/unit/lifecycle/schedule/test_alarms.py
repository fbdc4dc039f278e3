"""Alarms reach whoever is to know, go nowhere else, and no secret is in what is said of them."""

from __future__ import annotations

import json
import logging
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dvt.core.errors import AlarmNotDelivered
from dvt.core.schedule import AlarmKind, Alarms, Mail, Webhook
from dvt.lifecycle.schedule.alarms import Alarm, tell
from tests.databases.ports import free_port

SECRET = "t0ken-of-the-hook"
ALARM = Alarm(
    kind=AlarmKind.PARTIAL, text="2 items have stayed", project="/shop", at=0, facts={"run": {"id": "r1"}}
)


@contextmanager
def serving(handler, server=HTTPServer):
    with server(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served.server_address[1]
        finally:
            served.shutdown()
            thread.join()


def hook_handler(answers, received, location=""):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(answers.pop(0))
            if location:
                self.send_header("Location", location)
            self.end_headers()

        def do_GET(self):
            received.append((self.path, {}, None))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    return Handler


def hooked(port, **keywords):
    return Alarms(webhook=Webhook(url=f"http://127.0.0.1:{port}/{SECRET}", **keywords))


def test_a_webhook_is_sent_json():
    received = []
    with serving(hook_handler([200], received)) as port:
        assert tell(ALARM, hooked(port, headers={"Authorization": "Bearer x"})) == []
    ((path, headers, content),) = received
    assert path == f"/{SECRET}"
    assert headers["Authorization"] == "Bearer x"
    assert content["kind"] == "partial"
    assert content["run"] == {"id": "r1"}
    assert "2 items have stayed" in content["text"]
    assert content["at"] == "1970-01-01T00:00:00Z"


def test_redirects_are_not_followed(caplog):
    received, elsewhere = [], []
    with (
        serving(hook_handler([], elsewhere)) as other,
        serving(hook_handler([307, 302, 301], received, f"http://127.0.0.1:{other}/inside")) as port,
    ):
        (failure,) = tell(ALARM, hooked(port), pauses=(0, 0))
    assert elsewhere == []
    assert failure.message == (
        "an alarm could not be delivered by webhook: its answer is 301, and redirects are not followed"
    )
    assert SECRET not in caplog.text


def test_what_fails_is_tried_again():
    received, waited = [], []
    with serving(hook_handler([500, 503, 204], received)) as port:
        assert tell(ALARM, hooked(port), wait=waited.append) == []
    assert len(received) == 3
    assert waited == [1.0, 5.0]


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/{secret}", "http://nowhere.invalid/{secret}"])
def test_no_error_has_the_address_of_a_webhook(address, caplog):
    caplog.set_level(logging.DEBUG)
    hook = Webhook(url=address.format(port=free_port(), secret=SECRET), headers={"X": SECRET})
    (failure,) = tell(ALARM, Alarms(webhook=hook), pauses=())
    assert SECRET not in str(failure) + caplog.text + repr(hook)
    assert isinstance(failure, AlarmNotDelivered)


def test_a_header_with_a_line_feed_is_not_sent():
    received = []
    with serving(hook_handler([200], received)) as port:
        (failure,) = tell(ALARM, hooked(port, headers={"X": "a\r\nHost: b"}), pauses=())
    assert received == []
    assert "ValueError" in failure.message


def test_what_nobody_wants_to_know_is_not_told(caplog):
    assert tell(ALARM, Alarms(about=frozenset({AlarmKind.OVERDUE}))) == []
    assert caplog.text == ""


def test_the_log_has_it(caplog):
    tell(ALARM, Alarms())
    assert "partial: 2 items have stayed" in caplog.text
    caplog.clear()
    tell(ALARM, Alarms(log=False))
    assert caplog.text == ""


ANSWERS = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "235 yes", "DATA": "354 go on", "QUIT": "221 bye"}


def mail_handler(lines, refuse=""):
    """Speak as much SMTP as a client needs."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                lines.append(line)
                verb = line.split(" ", 1)[0].upper()
                self.say(f"535 no: {line}" if verb == refuse else ANSWERS.get(verb, "250 yes"))
                if verb == "DATA":
                    self.take_text()

        def take_text(self):
            while (text := self.rfile.readline().decode()) != ".\r\n":
                lines.append(text.rstrip())
            self.say("250 taken")

        def say(self, text):
            self.wfile.write(f"{text}\r\n".encode())

    return Handler


def mailed(port, **keywords):
    values = {
        "security": "none",
        "user": "",
        "password_env": "MAIL_PASSWORD",
        "to": ("a@b.example", "c@d.example"),
    }
    return Alarms(mail=Mail(host="127.0.0.1", port=port, sender="dvt@b.example", **{**values, **keywords}))


def test_mail_is_sent():
    lines = []
    with serving(mail_handler(lines), socketserver.TCPServer) as port:
        assert tell(ALARM, mailed(port), pauses=()) == []
    assert "RCPT TO:<c@d.example>" in [line.upper().replace("C@D.EXAMPLE", "c@d.example") for line in lines]
    assert any(line.startswith("Subject: dvt lifecycle: partial on ") for line in lines)
    assert "2 items have stayed" in lines


def test_the_password_of_mail_comes_from_the_environment_alone(caplog):
    lines = []
    with serving(mail_handler(lines), socketserver.TCPServer) as port:
        (failure,) = tell(ALARM, mailed(port, user="dvt"), environment={}, pauses=())
        assert failure.message.endswith("environment variable MAIL_PASSWORD is not set")
        assert lines == []
        assert tell(ALARM, mailed(port, user="dvt"), environment={"MAIL_PASSWORD": "s3cret"}, pauses=()) == []
    assert any(line.startswith("AUTH PLAIN") for line in lines)
    assert "s3cret" not in caplog.text


def test_a_refused_login_tells_no_password(caplog):
    caplog.set_level(logging.DEBUG)
    with serving(mail_handler([], refuse="AUTH"), socketserver.TCPServer) as port:
        (failure,) = tell(ALARM, mailed(port, user="dvt"), environment={"MAIL_PASSWORD": "s3cret"}, pauses=())
    assert failure.message == "an alarm could not be delivered by mail: the server's answer is 535"
    assert "s3cret" not in caplog.text


def test_mail_that_should_be_encrypted_is_not_sent_in_the_clear():
    lines = []
    with serving(mail_handler(lines), socketserver.TCPServer) as port:
        (failure,) = tell(ALARM, mailed(port, security="starttls"), pauses=())
    assert "SMTPNotSupportedError" in failure.message
    assert not any(line.startswith(("MAIL", "DATA")) for line in lines)
