"""Nobody gets in without a token, or further than their role; no other site acts in a browser's name."""

from __future__ import annotations

import re
import time

import pytest
from limits import parse

from dvt.core.access import Role
from dvt.web.access.rates import Rates
from dvt.web.access.sessions import LASTS, LINK_LASTS, Sessions
from tests.unit.web.serving import Served

pytestmark = pytest.mark.slow
OPEN = {("GET", "/healthz"), ("GET", "/login")}
"""What answers without a token. /static has files of the page alone."""
OFTEN = parse("1000000/second")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("served") / "shop", rates=Rates(calls=OFTEN, failures=OFTEN))
    yield served
    served.project.close()


@pytest.fixture
def own(tmp_path):
    served = Served(tmp_path / "shop")
    yield served
    served.project.close()


def routes(app):
    """Return method and path of all routes, also of those of routers in it."""

    def walk(routes, prefix=""):
        for route in routes:
            inner = getattr(route, "original_router", None) or getattr(route, "router", None)
            if inner is not None and not hasattr(route, "methods"):
                yield from walk(inner.routes, prefix + getattr(route, "prefix", ""))
            elif hasattr(route, "methods"):
                yield from ((method, prefix + route.path) for method in route.methods)
            else:
                assert getattr(route, "name", "") == "static", route

    return sorted(set(walk(app.routes)))


def sign_in(served, role):
    client = served.client()
    answer = client.post("/login", data={"token": served.tokens[role]})
    assert answer.status_code == 303
    return client, next(reversed(served.access.sessions._sessions.values())).csrf


def code(answer):
    return answer.json()["error"]["code"]


def test_every_route_is_closed_without_a_token(served):
    client = served.client()
    found = routes(served.app)
    assert {("POST", "/api/cleanup/run"), ("GET", "/metrics"), ("GET", "/openapi.json")} <= set(found)
    assert len(found) > 30
    answers = {
        (method, path): client.request(method, re.sub(r"\{.*?\}", "x", path)).status_code
        for method, path in found
    }
    assert {key for key, status in answers.items() if status != 401} == OPEN


def test_the_document_has_all_addresses_of_the_api(served):
    document = served.app.openapi()["paths"]
    listed = {(method.upper(), path) for path, of in document.items() for method in of}
    assert {key for key in routes(served.app) if key[1].startswith("/api/")} <= listed


@pytest.mark.parametrize(
    ("role", "method", "path", "allowed"),
    [
        (Role.VIEWER, "GET", "/api/cleanup/stats", True),
        (Role.VIEWER, "POST", "/api/cleanup/run", False),
        (Role.VIEWER, "POST", "/api/cleanup/plans", False),
        (Role.VIEWER, "POST", "/api/cleanup/plans/x/run", False),
        (Role.VIEWER, "POST", "/api/cleanup/runs/x/stop", False),
        (Role.VIEWER, "POST", "/api/cleanup/restore", False),
        (Role.VIEWER, "POST", "/api/cleanup/pins", False),
        (Role.VIEWER, "DELETE", "/api/cleanup/pins/x", False),
        (Role.OPERATOR, "POST", "/api/cleanup/plans", True),
        (Role.OPERATOR, "POST", "/api/cleanup/policies", False),
        (Role.OPERATOR, "POST", "/api/cleanup/policies/apply", False),
        (Role.OPERATOR, "POST", "/api/cleanup/policies/enable", False),
        (Role.OPERATOR, "POST", "/api/cleanup/policies/dbt_logs/revert", False),
        (Role.OPERATOR, "GET", "/api/cleanup/tokens", False),
        (Role.OPERATOR, "POST", "/api/cleanup/tokens", False),
        (Role.OPERATOR, "DELETE", "/api/cleanup/tokens/x", False),
        (Role.ADMIN, "GET", "/api/cleanup/tokens", True),
    ],
)
def test_a_role_may_do_what_it_is_for(served, role, method, path, allowed):
    body = {"json": {}} if method == "POST" else {}
    answer = served.client(role).request(method, path, **body)
    assert (answer.status_code < 300) is allowed
    if not allowed:
        assert (answer.status_code, code(answer)) == (403, "DVT232")


@pytest.mark.parametrize(
    "value", ["Bearer wrong", "Bearer ", "Basic dXNlcjpwdw==", "Bearer dvt_\u00e9".encode()]
)
def test_a_wrong_token_is_refused(served, value):
    answer = served.client().get("/api/cleanup/stats", headers={"Authorization": value})
    assert (answer.status_code, code(answer)) == (401, "DVT231")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_is_refused_at_once_and_its_session_too(own):
    client, _ = sign_in(own, Role.VIEWER)
    program = own.client(Role.VIEWER)
    assert program.get("/api/cleanup/stats").status_code == 200
    assert client.get("/api/cleanup/stats").status_code == 200
    (token,) = [
        of for of in own.client(Role.ADMIN).get("/api/cleanup/tokens").json() if of["name"] == "viewer"
    ]
    assert own.client(Role.ADMIN).delete(f"/api/cleanup/tokens/{token['token']}").status_code == 204
    assert program.get("/api/cleanup/stats").status_code == 401
    assert client.get("/api/cleanup/stats").status_code == 401


def test_a_browser_signs_in_with_a_token_and_out(served):
    client, csrf = sign_in(served, Role.OPERATOR)
    cookie = client.cookies.jar._cookies["localhost.local"]["/"][served.access.cookie]
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "strict"
    assert not cookie.secure
    assert client.get("/api/cleanup/stats").status_code == 200
    assert client.post("/logout", data={"csrf": csrf}).status_code == 303
    assert client.get("/api/cleanup/stats").status_code == 401


def test_over_https_the_cookie_is_for_https_alone(served):
    client = served.client()
    client.base_url = "https://localhost"
    answer = client.post("/login", data={"token": served.tokens[Role.VIEWER]})
    assert "; Secure" in answer.headers["set-cookie"]


def test_a_wrong_token_does_not_sign_in(served):
    answer = served.client().post("/login", data={"token": "dvt_wrong"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_a_link_signs_in_once(served):
    link = served.access.sessions.link("ana@etl-1", Role.ADMIN)
    client = served.client()
    first = client.get("/login", params={"link": link})
    assert first.status_code == 200
    assert "http-equiv" in first.text
    assert client.get("/api/cleanup/tokens").status_code == 200
    other = served.client()
    assert other.get("/login", params={"link": link}).status_code == 401
    assert other.get("/api/cleanup/tokens").status_code == 401


def test_links_and_sessions_end():
    time_is = [0.0]
    sessions = Sessions(lambda: time_is[0])
    link, cookie = sessions.link("ana", Role.ADMIN), sessions.open("ana", Role.ADMIN)
    time_is[0] = LINK_LASTS - 1
    assert sessions.redeem(sessions.link("bo", Role.VIEWER)) is not None
    time_is[0] = LINK_LASTS
    assert sessions.redeem(link) is None
    assert sessions.of(cookie) is not None
    time_is[0] = LASTS
    assert sessions.of(cookie) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "wrong"},
        {"X-CSRF-Token": "right", "Origin": "https://evil.example"},
        {"X-CSRF-Token": "right", "Origin": "null"},
        {"X-CSRF-Token": "right", "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": "right", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_changes_nothing_in_a_browsers_name(served, headers):
    client, csrf = sign_in(served, Role.ADMIN)
    headers = {name: csrf if value == "right" else value for name, value in headers.items()}
    answer = client.post("/api/cleanup/run", json={}, headers=headers)
    assert (answer.status_code, code(answer)) == (403, "DVT233")


@pytest.mark.parametrize("origin", [None, "http://localhost"])
def test_the_page_changes_what_its_reader_may(served, origin):
    client, csrf = sign_in(served, Role.ADMIN)
    headers = {"X-CSRF-Token": csrf} | ({"Origin": origin} if origin else {})
    assert client.post("/api/cleanup/run", json={}, headers=headers).status_code == 200


def test_another_site_cannot_sign_a_browser_in(served):
    answer = served.client().post(
        "/login", data={"token": served.tokens[Role.VIEWER]}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_without_tokens_programs_need_none_and_other_sites_still_change_nothing(tmp_path):
    served = Served(tmp_path / "shop", anybody="ana@etl-1")
    client = served.client()
    assert client.post("/api/cleanup/run", json={}).status_code == 200
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost"},
        {"Referer": "http://x"},
    ):
        assert client.post("/api/cleanup/run", json={}, headers=headers).status_code == 403
    served.project.close()


def test_only_requests_for_this_host_are_answered(served):
    own = ("localhost", "LOCALHOST:8642", "127.0.0.1:8642", "[::1]:8642", "localhost.")
    others = (
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:8642",
        "localhost@evil.example",
        "",
    )
    client = served.client(Role.VIEWER)
    answers = {
        host: client.get("/api/cleanup/pins", headers={"Host": host}).status_code for host in (*own, *others)
    }
    assert answers == dict.fromkeys(own, 200) | dict.fromkeys(others, 421)


def test_who_asks_too_often_has_to_wait(tmp_path):
    served = Served(tmp_path / "shop", rates=Rates(calls=parse("5/hour"), failures=parse("3/hour")))
    client, stranger = served.client(Role.VIEWER), served.client()
    assert [client.get("/api/cleanup/pins").status_code for _ in range(6)] == [200] * 5 + [429]
    assert served.client(Role.ADMIN).get("/api/cleanup/pins").status_code == 200
    answers = [stranger.get("/api/cleanup/pins") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert code(answers[-1]) == "DVT234"
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert stranger.post("/login", data={"token": "wrong"}).status_code == 429
    assert stranger.get("/login", params={"link": "wrong"}).status_code == 429
    assert served.client(Role.OPERATOR).get("/api/cleanup/pins").status_code == 200
    served.project.close()


def test_what_is_refused_and_what_changes_something_is_on_record_without_secrets(own, caplog):
    link = own.access.sessions.link("ana", Role.ADMIN)
    own.client().get("/login", params={"link": link})
    own.client().get("/login", params={"link": link})
    own.client().post("/login", data={"token": "dvt_wrong"})
    own.client(Role.VIEWER).post("/api/cleanup/run", json={})
    own.client(Role.OPERATOR).post("/api/cleanup/run", json={})
    own.client(Role.VIEWER).get("/api/cleanup/stats")
    own.client(Role.VIEWER).get("/api/cleanup/audit/export")
    notes = [(actor, of["method"], of["path"], of["status"]) for actor, of in own.notes()]
    assert notes == [
        ("unknown", "GET", "/login", 401),
        ("unknown", "POST", "/login", 401),
        ("viewer", "POST", "/api/cleanup/run", 403),
        ("operator", "POST", "/api/cleanup/run", 200),
        ("viewer", "GET", "/api/cleanup/audit/export", 200),
    ]
    content = caplog.text.encode() + b"".join(
        file.read_bytes() for file in own.files.folder.rglob("*") if file.is_file()
    )
    assert own.project.store().verify_chain().is_whole
    for secret in (link, "dvt_wrong", *own.tokens.values()):
        assert secret.encode() not in content


def test_a_flood_of_refused_requests_does_not_fill_the_record(tmp_path):
    rates = Rates(failures=parse("1000/hour"), notes=parse("3/hour"))
    served = Served(tmp_path / "shop", rates=rates)
    for _ in range(6):
        served.client().get("/api/cleanup/stats")
    assert len(served.notes()) == 3
    served.project.close()


def test_all_answers_have_the_headers_that_guard_the_page(served):
    for client, path in (
        (served.client(Role.VIEWER), "/api/cleanup/stats"),
        (served.client(), "/api/cleanup/stats"),
        (served.client(), "/login"),
        (served.client(), "/nowhere"),
    ):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Server" not in headers


@pytest.mark.parametrize("with_length", [True, False])
def test_a_huge_body_is_refused(served, with_length):
    content = b"x" * 1_000_001
    body = content if with_length else iter([content[:500_000], content[500_000:]])
    answer = served.client(Role.ADMIN).post(
        "/api/cleanup/run", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, code(answer)) == (413, "DVT236")


@pytest.mark.parametrize(
    "path", ["plans/{}", "plans/{}/items", "runs/{}", "runs/{}/events", "runs/{}/report", "operations/{}"]
)
def test_an_id_is_no_path(served, path):
    for name in ("..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "x%00", "a b", "é"):
        answer = served.client(Role.ADMIN).get("/api/cleanup/" + path.format(name))
        assert answer.status_code in {400, 404}, name
        assert "passwd" not in answer.text or "…/passwd" in answer.text


def test_paths_outside_of_the_project_are_masked(served):
    client = served.client(Role.ADMIN)
    answer = client.get("/api/cleanup/explain", params={"file_path": "/etc/secret-project/passwd"})
    assert "secret-project" not in answer.text
    assert "…/passwd" in answer.text
    restored = client.post("/api/cleanup/restore", json={"files": ["/etc/passwd"]}).json()
    assert restored == {"restored": 0, "failed": 0, "outcomes": []}


def test_no_answer_has_a_traceback(served, monkeypatch, caplog):
    monkeypatch.setattr(type(served.project), "system", lambda *_: 1 / 0)
    answer = served.client(Role.VIEWER, raise_server_exceptions=False).get("/api/cleanup/stats")
    assert (answer.status_code, code(answer)) == (500, "DVT000")
    assert "Traceback" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_comparing_tokens_takes_as_long_for_any(served):
    """The hash of what is given is looked up, so that the time tells nothing of the token."""
    tokens = served.project.store().tokens
    near = served.tokens[Role.VIEWER][:-1] + "~"

    def took(secret):
        start = time.perf_counter()
        for _ in range(200):
            assert tokens.of(secret) is None
        return time.perf_counter() - start

    times = [(took(near), took("dvt_" + "x" * 43)) for _ in range(5)]
    ratio = min(one for one, _ in times) / min(other for _, other in times)
    assert 0.3 < ratio < 3
