"""Count tokens as OpenAI's models do: their encoding is part of the package, nothing is fetched."""

import warnings
from typing import Any

ENCODING = "o200k_base"
"""Of GPT-4.1 and of the GPT-5 families alike."""


class BpeTokens:
    """Counts a text's tokens; the first count reads the encoding, which takes a second."""

    def __init__(self) -> None:
        self._encoding: Any = None

    def count(self, text: str) -> int:
        """Count; what looks like a special token is text like any other."""
        if self._encoding is None:
            with warnings.catch_warnings():
                # bpe-openai 0.1.4 opens its data by a function that 3.11 calls deprecated; it is there in 3.12.
                warnings.simplefilter("ignore", DeprecationWarning)
                import bpe_openai  # noqa: PLC0415  # it reads its data when it is imported

                self._encoding = bpe_openai.get_encoding(ENCODING)
        return len(self._encoding.encode_ordinary(text))
