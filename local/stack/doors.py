"""Set the stack up for one of the app's two doors: the trigger's webhook, or CloudEvents over HTTP as in Azure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from local.stack.ports import HOST

TRIGGER, HTTP = "trigger", "http"
# Where the Functions host takes the events of webPubSubTrigger functions, and where the app's own HTTP door is.
PATHS = {TRIGGER: "/runtime/webhooks/webpubsub", HTTP: "/api/events"}
# The local identity provider's name for the app as a receiver of events, and for the Web PubSub stand-in.
AUDIENCE = "api://salescoach-upstream"
PRINCIPAL = "44444444-4444-4444-8444-0000000000aa"
CERTIFICATE = "webpubsub.crt"


def webpubsub_url(ports: Mapping[str, int], door: str) -> str:
    """Name the base URL of Web PubSub; behind the HTTP door it speaks TLS, as the real one does."""
    return f"{'https' if door == HTTP else 'http'}://{HOST}:{ports['webpubsub']}"


def webpubsub_options(door: str, app: str, certificates: Path) -> tuple[str, ...]:
    """Say where events go and how they are proved: by signature at the trigger, by identity over HTTP."""
    where = ("--event-handler", app + PATHS[door])
    if door == TRIGGER:
        return where
    proof = ("--handler-auth", "managedIdentity", "--handler-audience", AUDIENCE, "--user-events", "auth,message")
    return (*where, *proof, "--tls", "--cert-dir", str(certificates))


def app_settings(settings: Mapping[str, str], door: str) -> dict[str, str]:
    """Let the app ask for the same proof."""
    if door == TRIGGER:
        return dict(settings)
    proof = {"UPSTREAM_PROOF": "identity", "UPSTREAM_AUDIENCE": AUDIENCE, "UPSTREAM_PRINCIPAL": PRINCIPAL}
    key = "WebPubSubConnectionString"
    return {**settings, **proof, key: settings[key].replace("Endpoint=http://", "Endpoint=https://")}


def trust(certificates: Path) -> None:
    """Make the certificate if it is missing, and have this process and all its parts trust it.

    Before any part starts: TLS libraries read the list of whom they trust when they are imported.
    """
    # X.509 costs start-up time that only this door needs.
    from local.webpubsub.certificates import server_context  # noqa: PLC0415

    server_context(certificates)
    os.environ["SSL_CERT_FILE"] = str(certificates / CERTIFICATE)
