"""Explaining: which rule decides on an act, why, and what each of the others says of it.

Nothing is judged here: every answer is one of the guard's own deciders, asked with some of the rules.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from loom.domain.enforcement import EnforcementContext, Ruling
from loom.domain.explanation import Explanation, Opinion, Says
from loom.domain.rules import HttpRule, LimitsRule, Rule
from loom.domain.worker import Worker
from loom.enforcement.asking.questions import Question, Questions
from loom.enforcement.judges.http import Asked, HttpRuler, decide_http, names, plain_host
from loom.enforcement.judges.limits import limits_of
from loom.enforcement.reading.document import Document
from loom.enforcement.reading.kinds.http import METHODS
from loom.enforcement.reading.rules import read_rule
from loom.values import replace

_WHY = "Say here why this is right; a person reads it when the rule decides."
_DECIDING = {
    "connect": "allow.connect",
    "listen": "allow.listen",
    "deny": "deny",
    "write": "allow.write",
    "deny_write": "deny.write",
    "deny_read": "deny.read",
    "programs": "allow.programs",
    "deny_programs": "deny.programs",
    "deny_modules": "deny.modules",
    "fork": "allow.fork",
    "native": "allow.native",
    "allow": "allow",
}
"""The fields of rules that decide, but for those of kind http, by what is written in the file."""


def explain(
    context: EnforcementContext, worker: Worker, questions: Questions, words: Sequence[str]
) -> Explanation:
    """What the guard would say if `worker` did what `words` say. Raises UsageError for words that name no
    act; see `Questions.ask`."""
    asked = questions.ask(words)
    rules: tuple[Any, ...] = context.of(asked.kind)
    ruling = asked.decide(rules)
    permits = [each for each in _permits(context, worker, asked) if asked.decide([each[1]]).allowed]
    allowing = [each for each in (*(rule for _, rule in permits), *rules) if asked.decide([each]).allowed]
    permit = allowing[0] if allowing else None
    # Where nothing that could be written allows it, and none denies it, no rule has a say.
    asked_for_rules = ruling.allowed or bool(permits) or not asked.allowing
    decided_by_rules = asked_for_rules or ruling.rule in context.rule_ids
    remedies = (
        [] if ruling.allowed else [text for text, rule in permits if asked.decide([*rules, rule]).allowed]
    )
    return Explanation(
        worker=worker.id,
        agent=worker.agent,
        act=asked.act,
        ruling=ruling,
        opinions=tuple(_opinions(rules, worker, asked, permit, ruling)) if decided_by_rules else (),
        remedy=remedies[0] if remedies and not ruling.allowed else "",
        notes=(*asked.notes, *_notes(context, worker, asked, ruling)),
    )


def _opinions(
    rules: Sequence[Any], worker: Worker, asked: Question, permit: Rule | None, ruling: Ruling
) -> Iterator[Opinion]:
    for rule in rules:
        applies = rule.is_for(worker.id, worker.agent)
        decides = rule.id == ruling.rule
        meant = rule if applies or decides else replace(rule, applies_to=("*",))
        others = [each for each in rules if each is not rule]
        says, because = _said_by(meant, others, worker, asked, permit)
        if decides and not ruling.allowed:
            says = Says.DENIES
        if applies or says is not Says.DOES_NOT_FIT:
            yield Opinion(
                rule=rule.id,
                kind=rule.kind,
                applies_to=rule.applies_to,
                applies=applies,
                decides=decides,
                says=says,
                because=because,
            )


def _said_by(
    rule: Any, others: Sequence[Any], worker: Worker, asked: Question, permit: Rule | None
) -> tuple[Says, str]:
    """others: of the same kind. permit: one that allows the act, unless another denies it."""
    alone = asked.decide([rule])
    if alone.rule != rule.id:
        return Says.DOES_NOT_FIT, "it names other hosts" if asked.asked else "it says nothing of this"
    above = _named_above(rule, others, worker, asked)
    if above is not None:
        return Says.DOES_NOT_FIT, f"its '*' gives way to {above}, which names the host"
    if alone.allowed:
        return Says.ALLOWS, _because(rule, worker, asked, alone)
    if permit is None or not asked.decide([rule, permit]).allowed:
        return Says.DENIES, _because(rule, worker, asked, alone)
    if asked.asked is not None:
        return Says.DOES_NOT_FIT, _because(rule, worker, asked, alone)
    return Says.DOES_NOT_FIT, alone.why.removesuffix(rule.why).strip(" .")


def _because(rule: Any, worker: Worker, asked: Question, alone: Ruling) -> str:
    """The words of the rule that make the difference."""
    if isinstance(rule, HttpRule) and asked.asked is not None:
        return _allowed_methods(rule, asked.asked, worker)
    lists = [name for name in _DECIDING if hasattr(rule, name)]
    bare = replace(rule, **{name: type(getattr(rule, name))() for name in lists})
    for name in lists:
        value = getattr(rule, name)
        for item in value if isinstance(value, tuple) else (value,):
            only = replace(bare, **{name: (item,) if isinstance(value, tuple) else item})
            if asked.decide([only]) == alone:
                return f"its {_DECIDING[name]} {_in_words(item)}"
    return "all that it says together"


def _in_words(item: Any) -> str:
    if item is True:
        return "is true"
    return f"has {getattr(item, 'program', item)!r}"


def _allowed_methods(rule: HttpRule, request: Asked, worker: Worker) -> str:
    """By asking for the same with every method."""

    def allowed(request: Asked) -> list[str]:
        same = [request._replace(method=method) for method in METHODS]
        return [each.method for each in same if not decide_http([rule], worker.id, worker.agent, each)]

    here = allowed(request)
    if request.method in here:
        return f"of this path it allows {', '.join(here)}"
    port = 443 if request.port == 80 else request.port
    if request.scheme == "http" and request.method in allowed(request._replace(scheme="https", port=port)):
        return "it allows this by https alone"
    return f"of this path it allows {', '.join(here)} alone" if here else "it allows nothing of this path"


def _named_above(rule: Any, others: Sequence[Any], worker: Worker, asked: Question) -> str | None:
    """The rule that names the host of a request, where `rule` reaches it by its '*' alone."""
    if asked.asked is None:
        return None
    host = plain_host(asked.asked.host)
    mine = [each for each in (rule, *others) if each.is_for(worker.id, worker.agent)]
    deciding = [each.rule for each in HttpRuler(mine, worker.id).deciding(host, asked.asked.port)]
    return None if rule in deciding else deciding[0].id


def _permits(context: EnforcementContext, worker: Worker, asked: Question) -> Iterator[tuple[str, Rule]]:
    """Rules that say the least that would allow the act, each as its file would hold it, by the closest."""
    ending = next(n for n in itertools.count(1) if _name(worker, asked, n) not in context.rule_ids)
    name = _name(worker, asked, ending)
    for says in asked.allowing:
        text = f"id: {name}\nkind: {asked.kind.kind}\napplies_to: [{worker.id}]\nwhy: {_WHY}\n{says}\n"
        rule = read_rule(Document(f"{name}.yaml", text.encode("utf-8", "surrogatepass")), name)
        if rule is not None:
            yield text, rule


def _name(worker: Worker, asked: Question, number: int) -> str:
    return f"{worker.id}-{asked.kind.kind}" + (f"-{number}" if number > 1 else "")


def _notes(context: EnforcementContext, worker: Worker, asked: Question, ruling: Ruling) -> Iterator[str]:
    """What may still stop a request that the rules allow."""
    if asked.asked is None or not ruling.allowed:
        return
    mine = context.narrowed(worker.id, worker.agent)
    if not names(mine.of(HttpRule), asked.asked.host, asked.asked.port):
        yield "it is refused all the same if the name leads to an address that isn't public"
    for name, (rule, most) in limits_of(mine.of(LimitsRule)).items():
        if name in ("requests", "bytes_out", "bytes_in"):
            yield f"{rule.id} allows one run {most:,} {name.replace('_', ' ')} in all"
