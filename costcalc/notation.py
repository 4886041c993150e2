"""How values are written in specs, on the command line and in reports."""

from __future__ import annotations

BINARY_POWERS = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}
"""The binary suffixes: 256Ki is 256·2^10."""

SI_POWERS = {"k": 3, "K": 3, "M": 6, "G": 9, "T": 12}
"""The suffixes of numbers, and their powers of ten."""
MOST_SHOWN, MOST_CHARACTERS = 32, 200
"""The most values of a list, and the most characters of a text, that an error shows."""


def written(value: object, *, cut: bool = False) -> str:
    """Format a value as in a spec. With `cut`, long lists and texts end in an ellipsis.

    >>> written((3, [True, "same"])), written(0.25), written(None), written("x" * 300, cut=True)[198:]
    ('[3, [true, same]]', '0.25', 'none', 'xx...')
    """
    if isinstance(value, (list, tuple)):
        shown = value[:MOST_SHOWN] if cut else value
        more = ["..."] if len(shown) < len(value) else []
        return f"[{', '.join([*[written(each, cut=cut) for each in shown], *more])}]"
    # An array of a sweep has the type of its elements in `kind`.
    if getattr(value, "kind", type(value)) is bool:
        return "true" if value else "false"
    text = "none" if value is None else str(value)
    return f"{text[:MOST_CHARACTERS]}..." if cut and len(text) > MOST_CHARACTERS else text


def show(value: object) -> str:
    """Format a value for an error."""
    return "nothing" if value is None else written(value, cut=True)
