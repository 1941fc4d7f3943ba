"""Start the local Web PubSub service: `python -m local.webpubsub --help`."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from local.webpubsub.config import (
    DEFAULT_KEY,
    DEFAULT_PORT,
    ConfigFault,
    EventHandler,
    HubSettings,
    Limits,
    Settings,
    hubs_from_file,
)
from local.webpubsub.server import WebPubSub


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.webpubsub", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--key", default=DEFAULT_KEY, help="access key (default: the emulator's published one)")
    parser.add_argument("--secondary-key", help="second access key, accepted alike")
    hubs = parser.add_argument_group("hubs", "from a file, or one hub by arguments; other hubs have no handlers")
    hubs.add_argument("--config", type=Path, help="JSON with WebPubSub:Hubs:<hub>:EventHandlers[]")
    hubs.add_argument("--hub", help="the hub that --event-handler is for")
    hubs.add_argument("--event-handler", metavar="URL", help="template with {hub} and {event}")
    hubs.add_argument("--user-events", default="*", help="names, comma separated, or * (default)")
    hubs.add_argument("--system-events", default="connect,connected,disconnected", help="default: %(default)s")
    hubs.add_argument("--anonymous", action="store_true", help="let clients of the hub in without a token")
    hubs.add_argument("--handler-auth", choices=["none", "managedIdentity"], default="none")
    hubs.add_argument("--handler-audience", help="for managedIdentity: for whom the bearer token is")
    parser.add_argument("--identity", metavar="URL", help="identity provider: handler tokens, Entra callers")
    parser.add_argument("--tenant", default=Settings().tenant, help="its tenant (default: %(default)s)")
    parser.add_argument("--origin", default="127.0.0.1", help="WebHook-Request-Origin (default: %(default)s)")
    parser.add_argument("--tls", action="store_true", help="https and wss with a self-signed certificate")
    parser.add_argument("--cert-dir", type=Path, help="where the certificate is kept, made when absent")
    parser.add_argument("--faults", action="store_true", help="open the admin endpoint for faults on demand")
    parser.add_argument("--drop-on-failed-event", action="store_true", help="close who gets no answer to an event")
    parser.add_argument("--recovery-window", type=float, default=30.0, metavar="SECONDS", help="default: %(default)s")
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    """Check and join the arguments.

    Raises ConfigFault.
    """
    hubs = hubs_from_file(given.config) if given.config else {}
    if bool(given.hub) != bool(given.event_handler):
        raise ConfigFault("--hub and --event-handler go together")
    if given.hub:
        hubs[given.hub.lower()] = HubSettings(handlers=(_handler(given),), anonymous=given.anonymous)
    if given.tls and given.cert_dir is None:
        raise ConfigFault("--tls needs --cert-dir")
    return Settings(
        port=given.port,
        keys=tuple(key for key in (given.key, given.secondary_key) if key),
        hubs=hubs,
        origin=given.origin,
        drop_on_failed_event=given.drop_on_failed_event,
        identity=given.identity,
        tenant=given.tenant,
        cert_dir=given.cert_dir if given.tls else None,
        faults=given.faults,
        limits=Limits(recovery_window_s=given.recovery_window),
    )


def _handler(given: argparse.Namespace) -> EventHandler:
    managed = given.handler_auth == "managedIdentity"
    if managed and not (given.handler_audience and given.identity):
        raise ConfigFault("managedIdentity needs --handler-audience and --identity")
    return EventHandler(
        url_template=given.event_handler,
        system_events=frozenset(one.strip().lower() for one in given.system_events.split(",") if one.strip()),
        event_pattern=given.user_events,
        audience=given.handler_audience if managed else None,
    )


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with WebPubSub(settings) as service:
        print(f"webpubsub ready on {service.url}", flush=True)
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service until SIGTERM or SIGINT; return the exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # It warns of every raw client that offers a subprotocol of its own.
    logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)
    parser = _arguments()
    try:
        asyncio.run(_run(_settings(parser.parse_args(arguments))))
    except (ConfigFault, OSError) as fault:
        parser.error(str(fault))
    return 0


if __name__ == "__main__":
    sys.exit(main())
