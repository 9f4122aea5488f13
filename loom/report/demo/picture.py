"""What was printed on a console that records, as an SVG picture that asks for nothing from anywhere."""

from html import escape

from rich.console import Console
from rich.terminal_theme import TerminalTheme

# Readable on a light page as on a dark one: it brings its own ground.
_THEME = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        (72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34),
        (121, 192, 255), (210, 168, 255), (86, 212, 221), (177, 186, 196),
    ],
    [
        (110, 118, 129), (255, 161, 152), (86, 211, 100), (227, 179, 65),
        (165, 214, 255), (226, 197, 255), (118, 227, 234), (240, 246, 252),
    ],
)  # fmt: skip

# As rich's own, without fonts from elsewhere.
_FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>TITLE</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; white-space: pre;
}}
.{unique_id}-title {{ font-family: system-ui, sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def as_picture(console: Console, *, title: str) -> str:
    """The SVG of all that `console`, made with ``record=True``, has printed. title: in its window's frame."""
    said = escape(title).replace("{", "{{").replace("}", "}}")
    form = _FORMAT.replace("TITLE", said)
    svg = console.export_svg(title=title, theme=_THEME, code_format=form, unique_id="loom")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
