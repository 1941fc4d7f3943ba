"""The errors that the service answers, in the shape that its SDKs read."""

import json

from aiohttp import web


class ServiceError(Exception):
    """A refused REST request or handshake: HTTP status, dotted code, message, and what it is about."""

    def __init__(self, status: int, code: str, message: str, *, target: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.headers: dict[str, str] = {}

    def response(self) -> web.Response:
        """Build the service's error answer: fields at top level, the code repeated in a header."""
        body = {"code": self.code, "message": self.message, "target": self.target}
        return web.Response(
            status=self.status,
            text=json.dumps(body),
            content_type="application/json",
            headers={"x-ms-error-code": self.code, **self.headers},
        )


def bad_request(message: str, *, target: str | None = None) -> ServiceError:
    """Build the 400 of a request that breaks the contract."""
    return ServiceError(400, "Error.BadRequest", message, target=target)


def unauthorized(message: str) -> ServiceError:
    """Build the 401 of a missing or refused token."""
    error = ServiceError(401, "Error.Unauthorized", message)
    error.headers["WWW-Authenticate"] = "Bearer"
    return error


def not_implemented(what: str) -> ServiceError:
    """Build the 501 that names what this stand-in leaves out."""
    return ServiceError(501, "Error.NotImplemented", f"{what} is not part of the local Web PubSub service.")
