"""Find in a text what reads like orders to a language model; it proves nothing, so it is noted and never refused.

Whoever wants can write around any list of words. What an order could reach is bounded elsewhere: by roles, pins,
approvals and the guard of the answer.
"""

import re
from collections import Counter

from shared.domain.invisible import visible

_GAP = r"[^\w;.!?]{1,8}(?:\w{1,20}[^\w;.!?]{1,8}){0,6}"
"""A few words of the same sentence in between; bounded, so that no text takes long to read."""
_PATTERNS = {
    "override": re.compile(
        rf"\b(?:ignore|disregard|forget|override){_GAP}(?:instructions?|prompts?|rules|polic(?:y|ies))\b"
        rf"|\b(?:ignorier\w{{0,4}}|vergiss|vergessen|missachte){_GAP}(?:anweisung\w{{0,3}}|regeln|vorgaben)\b"
        rf"|\b(?:ignora|olvida|ignore[zr]?|oublie[zr]?){_GAP}(?:instrucciones|reglas|instructions|consignes)\b"
        r"|忽略.{0,20}指令",
        re.IGNORECASE,
    ),
    "role": re.compile(
        r"<\|im_(?:start|end)\|>|\[/?INST\]|<</?SYS>>|</?(?:system|tool_result|function_calls)>"
        r"|\"role\"\s{0,4}:\s{0,4}\"(?:system|developer)\"|^\W{0,8}(?:system|developer)(?: message| prompt)?\s{0,4}:"
        r"|\[end of data\b",
        re.IGNORECASE | re.MULTILINE,
    ),
    "authority": re.compile(
        r"\byou are (?:now )?(?:DAN\b|in developer mode)|\b(?:has|have|was) already (?:been )?approved\b"
        r"|\bdo not (?:mention|tell|reveal) (?:this|it)\b",
        re.IGNORECASE,
    ),
    "tool": re.compile(r"\b[A-Za-z][A-Za-z0-9-]{0,31}__[A-Za-z0-9_-]{1,64}\b"),
}


def suspicions(text: str) -> Counter[str]:
    """Count what a text holds of each kind; `hidden` counts characters that nobody can see."""
    plain = visible(text)
    found = Counter({kind: sum(1 for _ in pattern.finditer(plain)) for kind, pattern in _PATTERNS.items()})
    found["hidden"] = len(text) - len(plain) - text.count("\r")
    return +found
