"""Words for a YAML file: whatever may stand where something else was meant."""

import random

MEGABYTE = 1_000_000


def quoted(text: str) -> str:
    """In single quotes, on one line."""
    return "'" + text.replace("\n", " ").replace("'", "''") + "'"


# fmt: off
_OF_YAML_1_1 = (
    "", "~", "null", "Null", "yes", "no", "on", "off", "y", "n", "True", "FALSE", "true", "0o7", "010",
    "0x1F", "0b11", "1:30", "190:20:30", "1_000", "+1", "-0", "1e3", "1.", ".5", "1e400", ".inf", "-.inf",
    "+.INF", ".nan", ".NaN", "2026-03-01", "2026-03-01T00:00:00Z", "2026-13-45", "=",
)
_OF_NUMBERS = (
    "0", "1", "-1", "2", "3.7", "-0.0", "9" * 20, "-" + "9" * 40, "9" * 999, "9" * 1001, "9" * 5000,
    "1" + "0" * 308 + ".0", "0." + "0" * 400 + "1", "1.5e+300", "1.0e+999", "-1.0e+999", "1e-400",
)
_OF_TAGS = (
    "!!str 1", "!!int abc", "!!int 12", "!!float 1", "!!float x", "!!bool yes", "!!null x", "!!binary aGk=",
    "!!binary ???", "!!timestamp 2026-03-01", "!!timestamp x", "!!set {a, b}", "!!omap [a: 1]", "!!map []",
    "!!seq {}", "!!str []", "!!pairs [a: 1]", "!!python/object/apply:os.system [ls]", "!foo bar", "! 5",
    "!!bool maybe", "!!int ''", "!!float ''", "!!timestamp 2026-02-30", "!!bool []", "!!int {}",
    "!!set [a]", "!!python/none", "!<tag:yaml.org,2002:str> 7", "!<x> y", "!!merge x", "!!value =",
    "!!int 0o8",
)
_OF_ALIASES = (
    "*nobody", "&a x", "&a [*a]", "&a {b: *a}", "&a *b", "&a", "{<<: *a}", "{<<: [*a, *b]}", "<<",
    "&a [1, 2]", "*a", "[&a 1, *a]", "{? [1] : 2}", "{? {a: 1} : 2}", "{[1]: 2}", "{{a: 1}: 2}", "{: 1}",
)
_OF_TEXT = (
    "''", "' '", '""', '"\\0"', '"\\x00"', '"\\ud800"', '"\\udfff"', '"\\ud83d\\ude00"', '"\\U0010ffff"',
    '"\\e[31m"', '"\\u202e"', '"\\ufeff"', '"\\N\\_\\L\\P"', '"a\\\n b"', "'a\n\n b'", "|\n  x", ">-\n  x",
    "|9\n  x", "|+\n\n", '"\\q"', '"', "'", "[", "]", "{", "}", "{a: b", "[a", ",", "- x", "- - x", "? x",
    ": x", "a: b: c", "x #y", "#", "@x", "`x`", "%x", "\tx", "x\t", "--- x", "...", "!", "&", "*", "|", ">",
    "é", "日本", "\U0001f600", "٣", "１", "²", "\u00a0", "\u200b", "\u2028", "\x85", "ﬁ", "İ", "ß",
)
_OF_OUR_OWN = (
    "'* * * * * *'", "'99 * * * *'", "'*/0 * * * *'", "'0 0 30 2 *'", "'@reboot'", "'0 0 L * *'",
    "'5-1 * * * *'", "'１ ٣ * * *'", "'0 0 * * mon-sun'", "'0 0 31 feb,apr *'", "'*/99999 * * * *'",
    "'0 0 ? * *'", "'@'", "'0 0'", "'0,0,0,0 * * * *'", "'0 0 * * 0-7'", "'1-1/1 0-0 1-1 1-1 1-1'",
    "'0  0\t* * *'", "'\\n'", "'* * * * MON#1'", "../../etc/passwd", "/etc/localtime", "America",
    "america/chicago", "'America/Chicago '", "localtime", ".", "zone.tab", "tzdata.zi", "posixrules",
    "Etc/GMT+14", "EST5EDT,M3.2.0,M11.1.0", "''", "workers", "..", "workers.echo", "workers.echo:", ":run",
    "workers..echo:run", "os:system", "workers.folder:run", "a" * 300 + ":run",
    ".".join(["a"] * 2000) + ":run", "workers.echo:" + "r" * 5000, "'workers.echo:run\n'", "0s", "1s1s",
    "1m1h", "-5m", "999999d", "999999999s", "1.5h", "1e3s", "10", "∞", "1 h", "1H", "{}", "[]", "[[]]",
    "[{}]", "{a: {}}", "[1, a]", "a/../../b", "/proc/abs", "~/x", "'a\\b'", "file:///etc/passwd", "http://",
    "http://a b", "https://u:p@h:99999/x",
)
# fmt: on
WORDS = _OF_YAML_1_1 + _OF_NUMBERS + _OF_TAGS + _OF_ALIASES + _OF_TEXT + _OF_OUR_OWN


def word(chance: random.Random) -> str:
    """Anything that may stand in the place of a value."""
    if chance.random() < 0.06:
        return chance.choice(_LARGE)(chance)
    return chance.choice(WORDS)


def _nest(chance: random.Random) -> str:
    depth = chance.choice([5, 19, 20, 21, 39, 40, 41, 200, 5_000, 100_000])
    opening, closing = chance.choice(
        [("[", "]"), ("{a: ", "}"), ("[{a: ", "}]"), ("[", ""), ("{a: ", ""), ("? ", "")]
    )
    return opening * depth + chance.choice(["", "x", "1"]) + closing * depth


def _laughs(chance: random.Random) -> str:
    levels, width = chance.choice([(3, 3), (9, 9), (30, 2)])
    rows = ["&l0 [lol, lol]"]
    rows += [f"&l{level} [{', '.join([f'*l{level - 1}'] * width)}]" for level in range(1, levels)]
    return f"[{', '.join(rows)}]"


def _repeated(chance: random.Random) -> str:
    return f"[&big [{', '.join(['x'] * 1000)}], {', '.join(['*big'] * chance.choice([10, 240, 300]))}]"


def _long(chance: random.Random) -> str:
    unit = chance.choice(["x", "9", " ", "é", "a.", "a-", "0 ", "'", "1d", "-", "../", "*,", "0,", "a: "])
    text = unit * (chance.choice([1_000, 70_000, MEGABYTE]) // len(unit.encode()))
    return chance.choice([text, quoted(text), f'"{text}"'])


def _wide(chance: random.Random) -> str:
    count = chance.choice([300, 5_000, 30_000])
    return chance.choice(
        [
            "[" + "a, " * count + "]",
            "{" + ", ".join(f"k{n}: {n}" for n in range(count)) + "}",
            "{" + "a: 1, " * count + "}",
        ]
    )


_LARGE = (_nest, _nest, _laughs, _repeated, _long, _long, _wide)
