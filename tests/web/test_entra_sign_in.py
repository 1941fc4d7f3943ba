"""The page signs in by Entra's own library: to the provider and back with a code, and renews before the end."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest
from playwright.sync_api import Page, Route, expect

from .scripted_service import WEB, ScriptedService

pytestmark = pytest.mark.browser

# The library insists on https; nothing listens there, requests are answered inside the browser by the local issuer.
ENTRA = "https://127.0.0.1:42805"
TENANT = "11111111-1111-4111-8111-111111111111"
CLIENT = "66666666-6666-4666-8666-666666666666"
CHAT = "5e551000-0000-4000-8000-000000000001"
CORS = {"Access-Control-Allow-Origin": WEB, "Access-Control-Allow-Headers": "*"}


class Provider:
    """The local issuer under the address of an organisation's."""

    def __init__(self, data: Path, lifetime_s: int) -> None:
        command = [sys.executable, "-m", "local.identity", "--port", "0", "--data", str(data), "--base", ENTRA]
        self._process = subprocess.Popen(  # noqa: S603
            [*command, "--lifetime-s", str(lifetime_s)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._place: str = urlsplit(str(self._process.stdout.readline().split()[-1])).netloc
        self.asked: list[str] = []
        self.forgetful = False

    def answer(self, route: Route) -> None:
        """Carry a request of the browser to the issuer, and its answer back."""
        request, url = route.request, urlsplit(route.request.url)
        form = request.post_data or ""
        grant = re.search(r"grant_type=(\w+)", form)
        self.asked.append(grant[1] if grant else url.path.rpartition("/")[2])
        if self.forgetful and grant:
            form = form.replace("refresh_token=", "refresh_token=gone")
        line = http.client.HTTPConnection(self._place, timeout=10)
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        line.request(request.method, f"{url.path}?{url.query}", form, kind)
        heard = line.getresponse()
        body, where = heard.read(), heard.getheader("Location")
        line.close()
        if where is not None:
            # A redirect would leave the browser's hands of this test; a page that goes on by itself does not.
            refresh = f'<meta http-equiv="refresh" content="0;url={where.replace("&", "&amp;")}">'
            route.fulfill(status=200, content_type="text/html", body=refresh)
            return
        route.fulfill(status=heard.status, content_type=heard.getheader("Content-Type"), body=body, headers=CORS)

    def end(self) -> None:
        """Stop the issuer."""
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def start(service: ScriptedService, tmp_path: Path) -> Iterator[Callable[[int], Provider]]:
    """Have the page sign in at an organisation whose tokens live for some seconds."""
    started: list[Provider] = []

    def begin(lifetime_s: int) -> Provider:
        provider = Provider(tmp_path, lifetime_s)
        started.append(provider)
        authority = f"{ENTRA}/{TENANT}"
        service.entra = {"client": CLIENT, "authority": authority, "scope": "api://salescoach/access_as_user"}
        service.elsewhere[ENTRA] = provider.answer
        return provider

    yield begin
    for provider in started:
        provider.end()


def sign_in(page: Page, path: str = "/") -> None:
    """Go to the provider, choose a person, and come back."""
    page.goto(path)
    page.get_by_test_id("sign-in").click()
    page.click('[data-user="sam.sales"]')
    expect(page.get_by_test_id("status")).to_have_attribute("data-state", "online")


def claims_of(token: str) -> dict[str, object]:
    """Read a token without asking whether it is good."""
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.requirement("web:entra")
def test_a_person_signs_in_at_the_organisation_and_comes_back_to_the_same_chat(
    page: Page, service: ScriptedService, start: Callable[[int], Provider]
) -> None:
    """With a token for the API, and without a reload asking again."""
    provider = start(3600)
    service.messages[CHAT] = []

    sign_in(page, f"/#{CHAT}")
    told = service.wait_for(page, "session.update")
    page.reload()
    expect(page.get_by_test_id("status")).to_have_attribute("data-state", "online")

    claims = claims_of(told["accessToken"])
    assert (claims["aud"], claims["roles"], claims["scp"]) == ("api://salescoach", ["Sales"], "access_as_user")
    assert told["session_id"] == CHAT
    assert provider.asked.count("authorization_code") == 1
    assert "/people" not in "".join(service.requests)
    expect(page.get_by_text("Sam Sales (sample)")).to_be_visible()


@pytest.mark.requirement("web:entra")
def test_the_token_is_renewed_before_its_end_and_the_session_told(
    page: Page, service: ScriptedService, start: Callable[[int], Provider]
) -> None:
    """By the refresh token, unseen by the person, on the same connection."""
    provider = start(10)
    sign_in(page)
    first = service.wait_for(page, "session.update")
    service.wait_until(page, lambda: "refresh_token" in provider.asked)
    second = service.wait_for(page, "session.update", 2)

    assert second["accessToken"] != first["accessToken"]
    assert int(str(claims_of(second["accessToken"])["exp"])) > int(str(claims_of(first["accessToken"])["exp"]))
    assert len(service.sockets) == 1


@pytest.mark.requirement("web:entra")
def test_an_organisation_that_wants_the_person_again_gets_them(
    page: Page, service: ScriptedService, start: Callable[[int], Provider]
) -> None:
    """A refresh token that is no longer good leads there with the next question, and tears nobody away before."""
    provider = start(10)
    sign_in(page)
    service.wait_for(page, "session.update")
    provider.forgetful = True
    service.wait_until(page, lambda: "refresh_token" in provider.asked)
    expect(page.get_by_test_id("composer")).to_be_visible()
    asked_before = len(provider.asked)

    service.refusals = [{"code": "token_expired"}]
    page.get_by_test_id("composer").fill("How is my pipeline?")
    page.get_by_test_id("send").click()
    page.wait_for_url(f"{ENTRA}/**")

    expect(page.locator('[data-user="sam.sales"]')).to_be_visible()
    assert provider.asked[asked_before:] == ["refresh_token", "authorize"]


def test_signing_out_forgets_the_person(page: Page, service: ScriptedService, start: Callable[[int], Provider]) -> None:
    """The tab remembers no token."""
    start(3600)
    sign_in(page)
    service.wait_for(page, "session.update")

    page.get_by_test_id("sign-out").click()

    expect(page.get_by_test_id("sign-in")).to_be_visible()
    kept = page.evaluate("JSON.stringify(sessionStorage) + JSON.stringify(localStorage)")
    assert "eyJ" not in kept
