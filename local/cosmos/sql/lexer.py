"""Query text to tokens."""

import json
import re
from dataclasses import dataclass
from typing import Any

from local.cosmos.errors import CosmosError, bad_request

# Words that cannot follow a dot: learn.microsoft.com/azure/cosmos-db/nosql/query/keywords (reserved); c["value"]
# reaches such a property. The service refuses them, so this server must, too.
_RESERVED = """
AND ARRAY AS ASC BETWEEN BY DESC DISTINCT ESCAPE EXISTS FALSE FROM GROUP HAVING IN JOIN LIKE LIMIT NOT NULL
OFFSET OR ORDER SELECT TOP TRUE UDF UNDEFINED VALUE WHERE
"""
RESERVED = frozenset(_RESERVED.split())
_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
      | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<parameter>@[A-Za-z_]\w*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<sign><>|!=|<=|>=|\?\?|\|\||<<|>>|[=<>(),.\[\]{}:*?+\-/%&|^~])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token: `kind` is number, string, parameter, word, keyword, sign or end; `at` its place in the text."""

    kind: str
    text: str
    value: Any
    at: int


def syntax_error(token: Token) -> CosmosError:
    """Return the 400 that points at the token."""
    near = token.text or "the end"
    return bad_request(f"Syntax error, incorrect syntax near '{near}' at position {token.at}.")


def tokenize(text: str) -> list[Token]:
    """Return the tokens, closed by one of kind `end`; raises CosmosError 400 for what is no token."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise syntax_error(Token("sign", text[at], None, at))
        if found.lastgroup != "space":
            tokens.append(_token(found.lastgroup or "", found.group(), at))
        at = found.end()
    return [*tokens, Token("end", "", None, at)]


def _token(kind: str, text: str, at: int) -> Token:
    match kind:
        case "number":
            number = json.loads(text) if text.isdigit() and (text[0] != "0" or text == "0") else float(text)
            return Token(kind, text, number, at)
        case "string":
            return Token(kind, text, _ESCAPE.sub(_unescape, text[1:-1]), at)
        case "word" if text.upper() in RESERVED:
            return Token("keyword", text.upper(), None, at)
        case _:
            return Token(kind, text, text, at)


def _unescape(found: re.Match[str]) -> str:
    sign = found.group(1)
    if len(sign) > 1:
        return chr(int(sign[1:], 16))
    return _ESCAPED.get(sign, sign)
