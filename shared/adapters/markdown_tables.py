"""Find the tables and lists of a markdown text with markdown-it-py, and give their texts without markup."""

import re
from collections.abc import Sequence
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from shared.domain.tables import Align, Written, WrittenList, WrittenTable

READ_MOST = 128 * 1024
"""Characters that are read, twice what a model writes in one round; the time grows in proportion (bench/answers.py)."""
_TITLE_MOST = 120
_INLINE_MOST = 2000
_MARKUP = re.compile(r"[\\`*_~\[\]()<>&!]")
_INTERESTING = re.compile(r"\||^[ \t]{0,8}(?:[-*+]|\d{1,9}[.)])[ \t]+\S", re.MULTILINE)
_ALIGNED = re.compile(r"text-align:(left|right|center)")


class MarkdownTables:
    """Meet AnswerReader. Only blocks are parsed, then the cells and items; so the time grows with the length."""

    def __init__(self) -> None:
        self._blocks = MarkdownIt("commonmark").enable("table").disable("inline")
        self._inline = MarkdownIt("commonmark").enable("strikethrough")

    def read(self, text: str) -> list[Written]:
        """Give tables and flat lists in the order of the text."""
        text = _bounded(text)
        if _INTERESTING.search(text) is None:
            return []
        found: list[Written] = []
        title = _Title()
        tokens = self._blocks.parse(text)
        at = 0
        while at < len(tokens):
            kind = tokens[at].type
            if kind == "table_open":
                end = _closing(tokens, at)
                found.append(self._table(tokens[at:end], title.take()))
            elif kind in ("bullet_list_open", "ordered_list_open"):
                end = _closing(tokens, at)
                items = self._items(tokens[at : end + 1])
                if items is not None:
                    found.append(WrittenList(title=title.take(), items=items))
                    at = end
            elif kind == "inline":
                opened_by, token = tokens[at - 1].type, tokens[at]
                title.see(opened_by, self._plain(token.content) if _may_be_title(opened_by, token) else "", token)
            at += 1
        return found

    def _table(self, tokens: Sequence[Token], title: str | None) -> WrittenTable:
        rows: list[list[str]] = []
        aligns: list[Align | None] = []
        for before, token in pairwise(tokens):
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(self._plain(token.content))
                if before.type == "th_open":
                    aligns.append(_align(before))
        return WrittenTable(
            title=title, header=tuple(rows[0]), aligns=tuple(aligns), rows=tuple(tuple(row) for row in rows[1:])
        )

    def _items(self, tokens: Sequence[Token]) -> tuple[str, ...] | None:
        """Give the items of a list whose items are one line each; None for any other list."""
        if any(token.type not in _FLAT for token in tokens) or any(token.level > 3 for token in tokens if token.level):  # noqa: PLR2004
            return None
        lines = [token.content for token in tokens if token.type == "inline"]
        count = sum(token.type == "list_item_open" for token in tokens)
        if len(lines) != count or any("\n" in line for line in lines):
            return None
        return tuple(self._plain(line) for line in lines)

    def _plain(self, text: str) -> str:
        """Give the text that a reader sees: of links, emphasis and code only their words."""
        if _MARKUP.search(text) is None or len(text) > _INLINE_MOST:
            return text.strip()
        inline = self._inline.parseInline(text)[0].children or []
        return "".join(_seen(token) for token in inline).strip()


_FLAT = frozenset(
    f"{name}_{edge}" for name in ("bullet_list", "ordered_list", "list_item", "paragraph") for edge in ("open", "close")
) | {"inline"}


class _Title:
    """Remember what stands over a table: the line just before it, else the last heading."""

    def __init__(self) -> None:
        self._heading: str | None = None
        self._line: str | None = None

    def see(self, opened_by: str, text: str, token: Token) -> None:
        """Take a heading or a paragraph; a paragraph is a title when it is one line that announces."""
        if opened_by == "heading_open":
            self._heading, self._line = text or None, None
            return
        source = token.content.strip()
        bold = source.startswith("**") and source.endswith("**")
        announces = text and "\n" not in source and (bold or text.endswith(":"))
        self._line = text.rstrip(":").strip() if announces else None

    def take(self) -> str | None:
        """Give the title of the table that begins here; a heading serves one table."""
        title = self._line or self._heading
        self._heading = self._line = None
        return title or None


def _bounded(text: str) -> str:
    """Cut an overlong text at an empty line, so that no table is cut in two."""
    if len(text) <= READ_MOST:
        return text
    end = text.rfind("\n\n", 0, READ_MOST)
    return text[: max(end, 0)]


def _may_be_title(opened_by: str, token: Token) -> bool:
    """Tell whether the text's own words are worth reading: most paragraphs announce nothing."""
    announces = ":" in token.content[-8:] or token.content.rstrip().endswith("**")
    return len(token.content) <= _TITLE_MOST and (opened_by == "heading_open" or announces)


def _closing(tokens: Sequence[Token], start: int) -> int:
    """Find the token that closes the block opened at `start`."""
    level, kind = tokens[start].level, tokens[start].type.replace("_open", "_close")
    at = start + 1
    while tokens[at].level != level or tokens[at].type != kind:
        at += 1
    return at


def _align(cell: Token) -> Align | None:
    found = _ALIGNED.fullmatch(str(cell.attrGet("style") or ""))
    match found[1] if found else None:
        case "left":
            return "left"
        case "right":
            return "right"
        case "center":
            return "center"
        case _:
            return None


def _seen(token: Token) -> str:
    if token.type in ("text", "code_inline"):
        return token.content
    if token.type in ("softbreak", "hardbreak"):
        return " "
    if token.type == "html_inline" and token.content.lower().startswith("<br"):
        return " "
    return "".join(_seen(child) for child in token.children or []) if token.type == "image" else ""
