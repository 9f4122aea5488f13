"""What a thread of comments wants of the channel, by the rules of `comments` and by who had the last word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from workers.sources.comments import Judge, Kind, Rules, simplified
from workers.sources.youtube_answers import Comment, Thread

WANTING: tuple[Kind, ...] = ("complaint", "lead", "question")
"""The kinds that want an answer, the most pressing first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A thread and what of it wants something done. spam: each such comment. open: by kind, the first comment
    of it after the channel's last word. praise: whether the thread begins with it."""

    thread: Thread
    spam: tuple[Comment, ...]
    open: Mapping[Kind, Comment]
    praise: bool


def judge(threads: Sequence[Thread], rules: Rules, *, team: Sequence[str], since: datetime) -> list[Judged]:
    """team: channels that answer for the video's own. What these wrote isn't judged: it answers what stands
    before it. since: what was written earlier is left alone."""
    judging = Judge(rules)
    theirs = {one.id: _others(one, team) for one in threads}
    copied = judging.copied(comment.text for comments in theirs.values() for comment in comments)
    judged: list[Judged] = []
    for thread in threads:
        kinds = {
            one.id: judging.kind(one.text, copied=simplified(one.text) in copied) for one in theirs[thread.id]
        }
        answers = [one.published for one in (thread.comment, *thread.replies) if one.id not in kinds]
        last = max(answers, default=None)
        open_: dict[Kind, Comment] = {}
        for one in theirs[thread.id]:
            kind = kinds[one.id]
            if one.published >= since and kind and kind in WANTING and (last is None or one.published > last):
                open_.setdefault(kind, one)
        spam = tuple(one for one in theirs[thread.id] if kinds[one.id] == "spam" and one.published >= since)
        praise = kinds.get(thread.comment.id) == "praise"
        judged.append(Judged(thread=thread, spam=spam, open=open_, praise=praise))
    return judged


def _others(thread: Thread, team: Sequence[str]) -> list[Comment]:
    own = {thread.channel_id, *team}
    return [one for one in (thread.comment, *thread.replies) if one.author_channel not in own]
