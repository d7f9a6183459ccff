"""Text from the operating system that is not UTF-8: Python holds it with lone surrogates, which no file takes.

Names of files, options and environment variables are bytes on Unix. Records, tables and pages are UTF-8, so such a name
is refused where it comes in; where it is only printed, it is escaped.
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def is_utf8(text: str) -> bool:
    """Tells whether a text can be written down as UTF-8."""
    return text.isascii() or _SURROGATE.search(text) is None


def printable(text: str) -> str:
    r"""Returns a text that can be written down: bytes that are not UTF-8 become ``\udcXX``, all else stays."""
    return text if is_utf8(text) else text.encode("utf-8", "backslashreplace").decode()
