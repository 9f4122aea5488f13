"""What the output rules find, blank and refuse."""

from typing import Any

import pytest

from loom.domain.enforcement import EnforcementContext, OutputRuling
from loom.domain.rules import OutputPattern, OutputRule
from loom.enforcement.guarding.guard import RunGuard
from loom.enforcement.judges.output import DEEPEST, LARGEST
from tests.ground.rules import NOWHERE


def rule(
    action: str, *patterns: tuple[str, str], id: str = "a-rule", to: str = "*", check: str = ""
) -> OutputRule:
    made = tuple(OutputPattern(name=name, pattern=pattern, check=check) for name, pattern in patterns)
    return OutputRule(id=id, applies_to=(to,), action=action, patterns=made, why="because")


def ruling(output: Any, *rules: OutputRule) -> OutputRuling:
    context = EnforcementContext(digest="sha256:0", rules=rules)
    return RunGuard(context, worker_id="echo", agent="Echo", places=NOWHERE).rule_on(output)


REDACT = rule("redact", ("mail address", r"\w+@\w+\.org"), ("codename", "Project (?P<hit>[A-Z]+)"))
REJECT = rule("reject", ("token", r"tok_\w+"), id="no-tokens")


def test_an_output_without_anything_to_hide_comes_back_as_it_was() -> None:
    output = {"summary": "3 checked", "n": 3, "f": 1.5, "ok": True, "none": None, "list": [[], {}, [1, "a"]]}
    assert ruling(output, REDACT, REJECT) == OutputRuling(output)


def test_redacting_blanks_every_match_and_says_what_how_often_and_where() -> None:
    output = {"summary": "a@b.org wrote to c@d.org", "findings": [{"detail": "on Project ATLAS, e@f.org"}]}
    found = ruling(output, REDACT)
    assert found.value == {
        "summary": "[mail address redacted] wrote to [mail address redacted]",
        "findings": [{"detail": "on Project [codename redacted], [mail address redacted]"}],
    }
    assert found.redacted == (
        "mail address (2 in summary, 1 in findings.*.detail)",
        "codename (1 in findings.*.detail)",
    )
    assert found.refusal is None
    assert output["summary"] == "a@b.org wrote to c@d.org"


def test_keys_are_read_too_and_keys_that_become_alike_keep_their_values() -> None:
    found = ruling({"a@b.org": 1, "c@d.org": 2, "plain": 3}, REDACT)
    assert found.value == {
        "[mail address redacted]": 1,
        "[mail address redacted] (2)": 2,
        "plain": 3,
    }


def test_numbers_are_never_touched() -> None:
    output = {"n": 4111111111111111, "f": 4111.25, "list": [4111111111111111]}
    assert ruling(output, rule("redact", ("number", r"\d+"))).value == output


@pytest.mark.parametrize(
    ("output", "where"),
    [
        ({"summary": "tok_abc"}, "summary"),
        ({"findings": [{}, {"detail": "see tok_abc!"}]}, "findings.1.detail"),
        ({"metrics": {"tok_abc": 1}}, "a key of metrics"),
        ({"tok_abc": 1}, "a key of the output"),
        ({"by": {"a@b.org": {"x": "tok_abc"}}}, "by.[mail address redacted].x"),
        ("tok_abc", "the output"),
        (["tok_abc"], "0"),
    ],
)
def test_a_refusal_says_what_and_where_but_never_the_text_itself(output: Any, where: str) -> None:
    found = ruling(output, REDACT, REJECT)
    assert found.refusal is not None
    assert found.refusal.rule == "no-tokens"
    assert found.refusal.act == f"an output with a token in {where}"
    assert found.refusal.why == "because"
    assert "tok_abc" not in repr(found), "what is shown of a refused output is blanked too"


def test_a_rule_is_asked_only_about_the_workers_it_applies_to() -> None:
    assert ruling("tok_abc", rule("reject", ("token", "tok_"), to="sentinel")).refusal is None
    assert ruling("tok_abc", rule("reject", ("token", "tok_"), to="Ec*")).refusal is not None


@pytest.mark.parametrize(
    ("number", "genuine"),
    [
        ("4111 1111 1111 1111", True),
        ("4111 1111 1111 1112", False),
        ("79927398713", True),
        ("79927398710", False),
        ("0", True),
    ],
)
def test_a_card_number_has_the_right_check_digit(number: str, genuine: bool) -> None:
    found = ruling(number, rule("redact", ("card number", r"[\d ]+"), check="luhn"))
    assert bool(found.redacted) is genuine


def test_what_can_not_be_checked_may_not_leave() -> None:
    deep: Any = "end"
    for _ in range(100_000):
        deep = [deep]
    endless: list[Any] = []
    endless.append(endless)
    for output in (deep, endless, {"a": object()}, {1: "a"}, b"bytes", ["x" * (LARGEST + 1)], {"a": {1, 2}}):
        found = ruling(output, REDACT)
        assert found.refusal is not None
        assert found.refusal.act == "an output that can't be checked"
        assert found.value is None


def test_nesting_up_to_the_limit_is_read() -> None:
    output: Any = "tok_abc"
    for _ in range(DEEPEST):
        output = [output]
    assert ruling(output, REJECT).refusal is not None
    assert ruling(output, REDACT) == OutputRuling(output)


def test_half_a_surrogate_pair_is_no_trouble() -> None:
    assert ruling({"\ud83d": "a@b.org \udc00"}, REDACT).value == {"\ud83d": "[mail address redacted] \udc00"}


def test_what_rejects_is_looked_for_before_anything_is_blanked() -> None:
    password = rule("reject", ("password", r"://\w+:(?P<hit>\w+)@"), id="no-passwords")
    for rules in ((REDACT, password), (password, REDACT)):
        refusal = ruling("https://user:secret@example.org", *rules).refusal
        assert refusal is not None
        assert refusal.rule == "no-passwords"


def test_a_place_that_is_too_long_to_be_told_says_that_it_was_cut() -> None:
    """Masking goes by that: a key may hold a secret."""
    (told,) = ruling({"k" * 75 + "s3cr3t-value": "a@b.org"}, REDACT).redacted
    assert told == f"mail address (1 in {'k' * 75}s3cr…)"
