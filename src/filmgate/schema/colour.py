"""Colours as people write them: "#1b2a4a", "navy", "lab(30 5 -20)".

Pure arithmetic without numpy, so that reading `look.toml` stays cheap and `schema` stays at the
bottom of the import order.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

Triple = tuple[float, float, float]

# The 148 named colours of CSS Color Module Level 4, as "name rrggbb" pairs.
_CSS = """
aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc
bisque ffe4c4 black 000000 blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a
burlywood deb887 cadetblue 5f9ea0 chartreuse 7fff00 chocolate d2691e coral ff7f50 cornflowerblue
6495ed cornsilk fff8dc crimson dc143c cyan 00ffff darkblue 00008b darkcyan 008b8b darkgoldenrod
b8860b darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki bdb76b darkmagenta 8b008b
darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a
darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise
00ced1 darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff dimgray 696969 dimgrey 696969
dodgerblue 1e90ff firebrick b22222 floralwhite fffaf0 forestgreen 228b22 fuchsia ff00ff gainsboro
dcdcdc ghostwhite f8f8ff gold ffd700 goldenrod daa520 gray 808080 green 008000 greenyellow adff2f
grey 808080 honeydew f0fff0 hotpink ff69b4 indianred cd5c5c indigo 4b0082 ivory fffff0 khaki
f0e68c lavender e6e6fa lavenderblush fff0f5 lawngreen 7cfc00 lemonchiffon fffacd lightblue add8e6
lightcoral f08080 lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3 lightgreen 90ee90
lightgrey d3d3d3 lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa
lightslategray 778899 lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00
limegreen 32cd32 linen faf0e6 magenta ff00ff maroon 800000 mediumaquamarine 66cdaa mediumblue
0000cd mediumorchid ba55d3 mediumpurple 9370db mediumseagreen 3cb371 mediumslateblue 7b68ee
mediumspringgreen 00fa9a mediumturquoise 48d1cc mediumvioletred c71585 midnightblue 191970
mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead navy 000080 oldlace fdf5e6
olive 808000 olivedrab 6b8e23 orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa
palegreen 98fb98 paleturquoise afeeee palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru
cd853f pink ffc0cb plum dda0dd powderblue b0e0e6 purple 800080 rebeccapurple 663399 red ff0000
rosybrown bc8f8f royalblue 4169e1 saddlebrown 8b4513 salmon fa8072 sandybrown f4a460 seagreen
2e8b57 seashell fff5ee sienna a0522d silver c0c0c0 skyblue 87ceeb slateblue 6a5acd slategray
708090 slategrey 708090 snow fffafa springgreen 00ff7f steelblue 4682b4 tan d2b48c teal 008080
thistle d8bfd8 tomato ff6347 turquoise 40e0d0 violet ee82ee wheat f5deb3 white ffffff whitesmoke
f5f5f5 yellow ffff00 yellowgreen 9acd32
"""
NAMES: dict[str, str] = dict(zip(_CSS.split()[::2], _CSS.split()[1::2], strict=True))
"""CSS colour name -> "rrggbb"."""

_WHITE_D65 = (0.95047, 1.0, 1.08883)
_NUMBER = r"([-+]?\d+(?:\.\d+)?)%?"
_LAB = re.compile(rf"lab\(\s*{_NUMBER}[\s,]+{_NUMBER}[\s,]+{_NUMBER}\s*\)")


class Colour(NamedTuple):
    """A colour: sRGB "#rrggbb" for display (clipped where needed) and CIE L*a*b* under D65."""

    hex: str
    lab: Triple


def parse(text: str) -> Colour | None:
    """The colour that `text` writes, or None when it writes none.

    Understood are "#rgb", "#rrggbb", a CSS name ("navy", "dark green") and "lab(L a b)" (D65).
    """
    word = text.strip().lower()
    if found := _LAB.fullmatch(word):
        lightness, a, b = (float(g) for g in found.groups())
        if not 0 <= lightness <= 100 or max(abs(a), abs(b)) > 160:
            return None
        return Colour(_lab_to_hex((lightness, a, b)), (lightness, a, b))
    digits = NAMES.get(re.sub(r"[\s_-]", "", word), "")
    if word.startswith("#"):
        digits = word[1:] if len(word) != 4 else "".join(c * 2 for c in word[1:])
    if not re.fullmatch(r"[0-9a-f]{6}", digits):
        return None
    return Colour(f"#{digits}", hex_to_lab(digits))


_WORDS = (
    "black", "white", "grey", "silver", "red", "darkred", "maroon", "crimson", "coral", "orange",
    "gold", "yellow", "khaki", "olive", "green", "darkgreen", "lime", "teal", "turquoise", "cyan",
    "skyblue", "steelblue", "blue", "navy", "indigo", "purple", "violet", "magenta", "pink",
    "brown", "chocolate", "tan", "beige", "ivory", "darkslategrey",
)  # fmt: skip
"""Colour words that people, and so prompts, use."""


def nearest_name(lab: Triple) -> str:
    """The usual colour word nearest to a CIE L*a*b* (D65) colour (CIE76: it only picks a word)."""
    return min(_WORDS, key=lambda word: math.dist(lab, hex_to_lab(NAMES[word])))


def hex_to_lab(digits: str) -> Triple:
    """CIE L*a*b* (D65) of sRGB "rrggbb" or "#rrggbb"."""
    raw = bytes.fromhex(digits.lstrip("#"))
    r, g, b = ((v / 12.92) if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
               for v in (c / 255 for c in raw))  # fmt: skip
    xyz = (
        0.4124564 * r + 0.3575761 * g + 0.1804375 * b,
        0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
        0.0193339 * r + 0.1191920 * g + 0.9503041 * b,
    )
    fx, fy, fz = (
        t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116
        for t in (v / w for v, w in zip(xyz, _WHITE_D65, strict=True))
    )
    return (116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz))


def _lab_to_hex(lab: Triple) -> str:
    fy = (lab[0] + 16) / 116
    fractions = (fy + lab[1] / 500, fy, fy - lab[2] / 200)
    x, y, z = (
        w * (t**3 if t**3 > 216 / 24389 else (116 * t - 16) / (24389 / 27))
        for t, w in zip(fractions, _WHITE_D65, strict=True)
    )
    linear = (
        3.2404542 * x - 1.5371385 * y - 0.4985314 * z,
        -0.9692660 * x + 1.8760108 * y + 0.0415560 * z,
        0.0556434 * x - 0.2040259 * y + 1.0572252 * z,
    )
    encoded = (12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055
               for v in (max(0.0, c) for c in linear))  # fmt: skip
    return "#" + "".join(f"{min(255, round(v * 255)):02x}" for v in encoded)
