"""The colours of boxes by cost: levels from pale to dark, each with a readable text colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from costcalc.graph import NetworkPicture


class Level(NamedTuple):
    """A level: its lowest share, its label in the legend, and its colours."""

    share: float
    label: str
    fill: str
    text: str


LEVELS = (
    Level(0.0, "0%", "#ffffff", "#000000"),
    Level(1e-300, "under 1%", "#ffffcc", "#000000"),
    Level(0.01, "1% to 2%", "#ffeda0", "#000000"),
    Level(0.02, "2% to 5%", "#fed976", "#000000"),
    Level(0.05, "5% to 10%", "#feb24c", "#000000"),
    Level(0.1, "10% to 20%", "#fd8d3c", "#000000"),
    Level(0.2, "20% to 50%", "#e31a1c", "#ffffff"),
    Level(0.5, "50% and more", "#800026", "#ffffff"),
)
"""The levels from lowest to highest. Source: ColorBrewer's YlOrRd."""


def level(share: float) -> int:
    """Return the index in `LEVELS` of the level of a share.

    >>> LEVELS[level(0.68)].label, LEVELS[level(0.0001)].label
    ('50% and more', 'under 1%')
    """
    return max(place for place, each in enumerate(LEVELS) if share >= each.share)


def legend(picture: NetworkPicture) -> tuple[str, list[int]]:
    """Return the heading of the legend, and the levels in a picture from the lowest."""
    used = {level(box.share) for box in picture.boxes if box.share is not None}
    return f"share of {picture.total:,} {picture.heat}", sorted(used)
