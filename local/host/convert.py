"""Conversion between the host's data and Python values, through the converters of azure.functions."""

import json
from datetime import datetime
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import quote

from azure.functions import get_binding_registry
from azure.functions.meta import Datum

from local.host.generic_binding import GenericBinding
from local.host.typed_data import NOTHING, HttpReply, TypedData, from_int


def converter_for(binding_type: str) -> Any:
    """Return the converter class of a binding type; types that the library does not know are generic."""
    registry: Any = get_binding_registry()
    return registry.get(binding_type) or GenericBinding


def has_implicit_output(binding_type: str) -> bool:
    """Tell whether a function with such a binding may return a value without `$return`."""
    converter = converter_for(binding_type)
    return bool(getattr(converter, "has_implicit_output", lambda: False)())


def decode(binding_type: str, datum: Datum | None) -> Any:
    """Turn the host's datum into what the function receives.

    Raises:
        TypeError: the converter does not support that kind of datum; the words are the worker's.
    """
    converter = converter_for(binding_type)
    try:
        return converter.decode(datum, trigger_metadata={})
    except NotImplementedError:
        kind = datum.type if datum is not None else None
        msg = (
            "unable to decode incoming TypedData: unsupported combination of TypedData field "
            f"{kind!r} and expected binding type {converter}"
        )
        raise TypeError(msg) from None


def encode(binding_type: str, value: Any, pytype: Any) -> TypedData:
    """Turn what the function gave into the host's data.

    Raises:
        TypeError: the converter does not support the value's type; the words are the worker's.
    """
    try:
        datum = converter_for(binding_type).encode(value, expected_type=pytype)
    except NotImplementedError:
        msg = (
            f'unable to encode outgoing TypedData: unsupported type "{binding_type}" for '
            f'Python type "{type(value).__name__}"'
        )
        raise TypeError(msg) from None
    return _to_typed_data(datum)


def _to_typed_data(datum: Datum) -> TypedData:
    value = datum.value
    match datum.type:
        case None:
            return NOTHING
        case "string" | "bytes" | "json" | "double" as kind:
            return TypedData(kind, value)
        case "dict" | "list":
            return TypedData("json", json.dumps(value))
        case "int" | "bool":
            return from_int(value)
        case "http":
            return TypedData("http", _http_reply(value))
        case other:
            msg = f"unexpected Datum type: {other}"
            raise NotImplementedError(msg)


def _http_reply(value: dict[str, Any]) -> HttpReply:
    return HttpReply(
        status=int(value["status_code"].value),
        headers={name: header.value for name, header in value["headers"].items()},
        cookies=tuple(_cookie_header(morsel) for jar in value["cookies"] or () for morsel in _morsels(jar)),
        body=value["body"].value,
    )


def _morsels(jar: "SimpleCookie") -> list["Morsel[str]"]:
    return list(jar.values())


def _cookie_header(morsel: "Morsel[str]") -> str:
    """Write a cookie as ASP.NET does: the value escaped, the path `/` unless given.

    Raises:
        ValueError: `expires` or `max-age` is not in the format that the worker parses.
    """
    if morsel["expires"]:
        # Only checked, never converted: the text that passes is already the one that ASP.NET writes.
        datetime.strptime(morsel["expires"], "%a, %d %b %Y %H:%M:%S GMT")  # noqa: DTZ007
    if morsel["max-age"]:
        float(morsel["max-age"])
    morsel.set(morsel.key, morsel.value, quote(morsel.value, safe="-._~"))
    morsel["path"] = morsel["path"] or "/"
    return morsel.OutputString()
