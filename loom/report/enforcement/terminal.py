"""What a person sees of the rules: those in force, which of them decides on an act, what changed in them."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loom.domain.enforcement import EnforcementContext
from loom.domain.explanation import Explanation, Opinion, Says
from loom.domain.revision import FileChange, Revision, RulesFile
from loom.domain.rules import Rule
from loom.report.columns import Column, Layout, show_columns
from loom.report.enforcement.words import limits, sentences, whom
from loom.report.words import count, one_line

_SIGNS = {
    Says.ALLOWS: ("✓", "green"),
    Says.DENIES: ("✗", "bold red"),
    Says.DOES_NOT_FIT: ("–", "dim"),
}
_SHORT = 12
_EVERYTHING = 1_000
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_LEFT_OUT = {
    "http": "ask nothing of anybody by HTTP",
    "sockets": "connect nowhere by itself",
    "files": "write nowhere",
    "process": "start no program",
}


def short(digest: str) -> str:
    """``sha256:1a2b3c4d5e6f``, or the same of a hash that stands by itself."""
    kind, colon, number = digest.partition("+")[0].rpartition(":")
    return f"{kind}{colon}{number[:_SHORT]}"


def when(revision: Revision, zone: ZoneInfo) -> str:
    return f"{revision.at.astimezone(zone):%-d %b %Y %H:%M %Z}"


def show_rules(
    console: Console,
    heading: str,
    context: EnforcementContext,
    of_limits: Mapping[str, tuple[str, int]],
    *,
    whole: bool = True,
) -> None:
    """context: the rules to show. of_limits: what holds of the limits, with the id of the rule that sets it.
    whole: whether these are all the rules that there are for somebody."""
    console.print(Text.assemble((heading, "bold"), f"  {short(context.digest)}"))
    rows = [
        (rule.id, rule.kind, rule.applies_to, [*sentences(rule), f"why: {rule.why}"])
        for rule in context.rules
    ]
    rows += [
        (text.id, "guidance", text.applies_to, [f"{count(len(text.text.split()), 'word')} for a model"])
        for text in context.guidance
    ]
    if rows:
        folders = ["guidance" if kind == "guidance" else "rules" for _, kind, _, _ in rows]
        endings = {"guidance": ".md", "rules": ".yaml"}
        hashes = [
            context.sha256.get(f"{folder}/{id_}{endings[folder]}", "")[:_SHORT]
            for folder, (id_, *_) in zip(folders, rows, strict=True)
        ]
        ids = Column("rule", [Text(id_, "bold") for id_, *_ in rows])
        kinds = Column("kind", [Text(kind, "cyan") for _, kind, *_ in rows])
        below = [Text("\n").join(map(_sentence, said)) for *_, said in rows]

        def for_whom(least: int) -> Column:
            return Column("for", [Text(whom(applies_to)) for _, _, applies_to, _ in rows], least=least)

        sha256 = Column("sha256", [Text(each, "dim") for each in hashes])
        show_columns(
            console,
            [
                Layout([ids, kinds, for_whom(16), sha256], below, lines_below=_EVERYTHING),
                Layout([ids, kinds, for_whom(10)], below, lines_below=_EVERYTHING),
                Layout([ids, kinds], below, lines_below=_EVERYTHING),
            ],
        )
    for name, (rule, most) in of_limits.items():
        console.print(Text.assemble("One run: at most ", (limits({name: most}), "bold"), f" ({rule})"))
    if whole:
        console.print(Text(_what_is_left(context), "dim"))


def _sentence(text: str) -> Text:
    denies = text.startswith(("may not", "may neither"))
    return Text(text, "red" if denies else "dim" if text.startswith("why: ") else "default")


def _what_is_left(context: EnforcementContext) -> str:
    kinds = {rule.kind for rule in context.rules}
    none = [words for kind, words in _LEFT_OUT.items() if kind not in kinds]
    silent = f" So it may {', '.join(none)}." if none else ""
    return f"What no rule allows is refused, but for reading files and importing modules.{silent}"


def show_explanation(console: Console, explained: Explanation) -> None:
    """The answer in the first line; then why, what each rule says, and what would change it."""
    console.print(Group(*_answer(explained)))
    if explained.opinions:
        console.print(Text(f"What the {explained.opinions[0].kind} rules say of it:", "bold"))
        _show_opinions(console, explained.opinions)
    console.print(Group(*_what_to_do(explained)))


def _answer(explained: Explanation) -> Iterator[RenderableType]:
    ruling = explained.ruling
    yield Text.assemble(
        ("✓ allowed", "bold green") if ruling.allowed else ("✗ refused", "bold red"),
        "  ",
        (one_line(explained.act, 1_000), "bold"),
    )
    agent = f" ({explained.agent})" if explained.agent else ""
    facts = [("worker", f"{explained.worker}{agent}"), ("by", ruling.rule), ("why", ruling.why)]
    facts += [("note", note) for note in explained.notes]
    yield Padding(_table(facts), (0, 0, 0, 2), expand=False)


def _what_to_do(explained: Explanation) -> Iterator[RenderableType]:
    if explained.remedy:
        name = explained.remedy.partition("\n")[0].removeprefix("id: ")
        yield Text(f"To allow it, write enforcement/rules/{name}.yaml:", "bold")
        yield Padding(Text(explained.remedy.rstrip(), "cyan"), (0, 0, 0, 4), expand=False)
        yield Text(f"Name {name} in enforcement/manifest.yaml, then: loom enforcement seal")
    elif not explained.ruling.allowed and explained.opinions:
        denying = [o.rule for o in explained.opinions if _has_a_say(o) and o.says is Says.DENIES]
        files = " and ".join(f"enforcement/rules/{rule}.yaml" for rule in denying)
        yield Text(f"Where one rule denies, no other can allow it. If it is meant, change {files}", "yellow")


def _show_opinions(console: Console, opinions: Sequence[Opinion]) -> None:
    signs = [_SIGNS[each.says] if _has_a_say(each) else ("·", "dim") for each in opinions]
    named = [
        Text(f"  {sign} {each.rule}", style) for each, (sign, style) in zip(opinions, signs, strict=True)
    ]
    says = Column("", [Text(_what_it_says(each)) for each in opinions])
    for_whom = Column("", [Text(f"for {whom(each.applies_to)}", "dim") for each in opinions], least=12)
    below = [Text(each.because, "dim") for each in opinions]
    show_columns(
        console,
        [
            Layout([Column("", named), says, for_whom], below, lines_below=_EVERYTHING),
            Layout([Column("", named), says], below, lines_below=_EVERYTHING),
        ],
    )


def _what_it_says(opinion: Opinion) -> str:
    if _has_a_say(opinion):
        return opinion.says.value
    return "would allow" if opinion.says is Says.ALLOWS else "would deny"


def _has_a_say(opinion: Opinion) -> bool:
    return opinion.applies or opinion.decides


def _table(facts: Sequence[tuple[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in facts:
        table.add_row(name, Text(text))
    return table


def show_changes(console: Console, heading: str, changes: Sequence[FileChange], digests: str) -> None:
    """What changed in each file: in words, if it is a rule, and line by line."""
    console.print(Text(heading, "bold"))
    for change in changes:
        console.print(Group(*_change_lines(change)))
    if not changes:
        console.print(Text("Nothing changed."))
    console.print(Text(digests, "dim"))


def _change_lines(change: FileChange) -> Iterator[RenderableType]:
    style = {"added": "green", "removed": "red", "changed": "yellow"}[change.verb]
    line = Text.assemble((f"{change.verb} ", f"bold {style}"), (change.file, "bold"))
    rule = _rule_of(change.now) or _rule_of(change.before)
    if rule is not None:
        line.append(f"  {rule.kind}, for {whom(rule.applies_to)}", style="dim")
    yield line
    for words, style in words_of(change):
        yield Padding(Text(words, style), (0, 0, 0, 2), expand=False)
    for text in unified(change):
        yield Padding(Text(text, _DIFF_STYLES.get(text[:1], "dim")), (0, 0, 0, 4), expand=False)


def words_of(change: FileChange) -> Iterator[tuple[str, str]]:
    """What it says no more, and what it says now, with the style of each."""
    old, new = _rule_of(change.before), _rule_of(change.now)
    before, now = _says(old), _says(new)
    if old is not None and new is not None and old.applies_to != new.applies_to:
        before.append(f"for {whom(old.applies_to)}")
        now.append(f"for {whom(new.applies_to)}")
    yield from ((f"no more: {each}", "red") for each in before if each not in now)
    yield from ((f"now: {each}", "green") for each in now if each not in before)
    if change.file.startswith("rules/") and change.now is not None and _rule_of(change.now) is None:
        yield "it can't be read as a rule; see: loom enforcement verify", "bold red"


def unified(change: FileChange) -> Iterator[str]:
    """The lines of a unified diff, without the names of the files."""
    before, now = (each.text.splitlines() if each else [] for each in (change.before, change.now))
    lines = difflib.unified_diff(before, now, n=2, lineterm="")
    yield from (_printable(line) for number, line in enumerate(lines) if number > 1)


def _says(rule: Rule | None) -> list[str]:
    return [] if rule is None else list(sentences(rule))


def _rule_of(file: RulesFile | None) -> Rule | None:
    return None if file is None else file.rule


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in text.replace("\t", "    "))
