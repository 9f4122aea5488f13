"""What git said when it failed -> a sentence that says what to do."""

import re

_SECRET = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_LONGEST = 600

_ADVICE = (
    ("No such file or directory: git", "Install git, or take `branch:` out of `state:`"),
    (
        r"not a git repository \(or any",
        "`state: {branch: ...}` needs a project inside a git repository: "
        "run `git init` there and add a remote, or take `branch:` out",
    ),
    (
        "dubious ownership",
        "The repository belongs to another user: see `safe.directory` in `git help config`",
    ),
    (
        "does not appear to be a git repository",
        "There is no such remote: see `git remote -v`, and add one with `git remote add`",
    ),
    ("No such remote", "There is no such remote: see `git remote -v`, and add one with `git remote add`"),
    (
        "not permitted|protected branch|denied|403|insufficient permission|read-only|declined",
        "Whoever runs Loom must be allowed to push there: in GitHub Actions `permissions: {contents: write}` "
        "on the job and a checkout that keeps its credentials, elsewhere a key or token that may write, and "
        "no rule that protects the branch",
    ),
    (
        "could not read Username|Authentication failed|terminal prompts disabled|"
        "Host key verification|publickey",
        "Git has no credentials for the remote: in GitHub Actions don't set `persist-credentials: false` on "
        "the checkout, elsewhere try `git fetch` by hand",
    ),
    ("no answer within|Could not resolve|unable to access|Connection|timed out", "Is the remote reachable?"),
    ("cannot lock ref|Unable to create", "Another git holds the ref; if none runs, remove the .lock file"),
)


def advice(command: str, said: str, branch: str) -> str:
    """`said` of ``git COMMAND`` about the state branch `branch`, without passwords in addresses, and with
    the next step where it is known."""
    text = " ".join(_SECRET.sub("***", said).split())
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    what = f"git {command} failed for the state branch {branch!r}: {text or 'it gave no reason'}"
    for pattern, step in _ADVICE:
        if re.search(pattern, said, re.IGNORECASE):
            return f"{what}. {step}"
    return what
