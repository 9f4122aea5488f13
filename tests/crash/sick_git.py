"""A `git` that stands before the real one on PATH, counts what it is asked for, and dies or fails when it
is told to; and a remote that hangs up."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.crash.mines import Mine

_GIT = """\
#!/bin/sh
command= skip=
for word; do
    if [ "$skip" ]; then skip=; continue; fi
    case "$word" in -c) skip=1 ;; *) command=$word; break ;; esac
done
printf 'git.%s\\n' "$command" >> "$SICK_GIT/passed"
if [ "git.$command" != "$SICK_PLACE" ]; then exec "$REAL_GIT" "$@"; fi
count=0
read -r count 2>/dev/null < "$SICK_GIT/count" || :
count=$((count + 1))
echo $count > "$SICK_GIT/count"
if [ $count -lt $SICK_FROM ] || [ $count -gt $SICK_TO ]; then exec "$REAL_GIT" "$@"; fi
printf '!\\n' >> "$SICK_GIT/passed"
case "$SICK_DEED" in
    kill-before) kill -9 $PPID; exit 1 ;;
    kill-during) kill -9 $PPID; exec "$REAL_GIT" "$@" ;;
    kill-after) "$REAL_GIT" "$@"; kill -9 $PPID; exit 1 ;;
    refuse-before) echo 'fatal: unable to access the remote: Connection reset by peer' >&2; exit 128 ;;
    refuse-after) "$REAL_GIT" "$@" > /dev/null 2>&1
        echo 'fatal: the remote end hung up unexpectedly' >&2; exit 128 ;;
esac
"""


def install(folder: Path) -> Path:
    """Put it into `folder`, which is to go on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "git").write_text(_GIT, encoding="ascii")
    (folder / "git").chmod(0o755)
    return folder


def environment(bin_: Path, folder: Path, mine: Mine | None, *, times: int = 1) -> Mapping[str, str]:
    """What a tick gets so that its git is this one. folder: the tick's own, where the git counts.

    mine: at a place ``git.COMMAND``, with the deed `kill` or `refuse`; `during` it, the tick dies and git
    goes on. times: how many calls in a row meet it.
    """
    real = shutil.which("git", path=os.environ.get("PATH"))
    if real is None:
        raise RuntimeError("there is no git on PATH")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "count").unlink(missing_ok=True)
    laid = mine if mine is not None and mine.place.startswith("git.") else None
    return {
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "REAL_GIT": real,
        "SICK_GIT": str(folder),
        "SICK_PLACE": laid.place if laid else "",
        "SICK_FROM": str(laid.nth) if laid else "0",
        "SICK_TO": str(laid.nth + times - 1) if laid else "0",
        "SICK_DEED": f"{laid.deed}-{laid.when}" if laid else "",
    }


_REMOTE_HOOKS = {
    "refuses": ("pre-receive", "echo 'not today' >&2; exit 1"),
    "hangs up before": ("pre-receive", "kill -9 $PPID"),
    # The branch has moved, and the answer never comes.
    "hangs up after": ("reference-transaction", '[ "$1" = committed ] && kill -9 $PPID'),
}
REMOTE_DEEDS = tuple(_REMOTE_HOOKS)


def spoil(bare: Path, deed: str, times: int) -> None:
    """From now on the remote `bare` meets the next `times` pushes like this."""
    hook, what = _REMOTE_HOOKS[deed]
    (bare / "hooks").mkdir(exist_ok=True)
    (bare / "left").write_text("x" * times, encoding="ascii")
    script = f'#!/bin/sh\nleft=$(cat left)\n[ "$left" ] || exit 0\n{{ {what}; }}\nexit 0\n'
    if hook == "pre-receive":
        script = script.replace("{ ", 'printf %s "${left#x}" > left; { ', 1)
    else:
        script = script.replace("{ ", '[ "$1" = committed ] && printf %s "${left#x}" > left; { ', 1)
    (bare / "hooks" / hook).write_text(script, encoding="ascii")
    (bare / "hooks" / hook).chmod(0o755)


def cure(bare: Path, times: int) -> bool:
    """It takes pushes again. Returns whether it met any of those `times` otherwise."""
    for hook, _ in _REMOTE_HOOKS.values():
        (bare / "hooks" / hook).unlink(missing_ok=True)
    left = len((bare / "left").read_text(encoding="ascii"))
    (bare / "left").unlink()
    return left < times
