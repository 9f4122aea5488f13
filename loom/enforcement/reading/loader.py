"""enforcement/ -> EnforcementContext. Fails closed: whatever isn't understood, nothing is in force."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from loom.domain.enforcement import PATTERNS, EnforcementContext
from loom.domain.rules import Guidance, Rule
from loom.enforcement.folder import ENDINGS, MANIFEST, digest_of, hashes, read_folder
from loom.enforcement.reading.document import Document
from loom.enforcement.reading.manifest import Manifest, Named, is_id, pin, read_manifest
from loom.enforcement.reading.patterns.catalogue import text_digest
from loom.enforcement.reading.rules import read_guidance, read_rule
from loom.errors import EnforcementError, Problem


def load(folder: Path) -> EnforcementContext:
    """The context in force. Reads each file once and nothing outside `folder`.

    Raises EnforcementError with every problem found: something missing, unreadable, unknown, altered
    (another SHA-256 than the manifest holds it to), not held to one, or present and not named there.
    """
    problems: list[Problem] = []
    files = read_folder(folder, problems)
    name = folder.name
    in_files: list[Problem] = []
    context = context_of(files, in_files, name)

    if MANIFEST in files:
        document = Document(f"{name}/{MANIFEST}", files[MANIFEST])
        manifest = read_manifest(document)
        if manifest is not None:
            _compare(document, manifest, context.sha256, problems, name)
        problems += document.problems

    problems += in_files
    if problems:
        raise EnforcementError(problems)
    return context


def context_of(files: Mapping[str, bytes], problems: list[Problem], name: str) -> EnforcementContext:
    """What these files say, whatever the manifest holds them to. name: of their folder.

    What isn't understood is left out and told in `problems`; with any of them nothing of it may be in force.
    """
    rules: list[Rule] = []
    guidance: list[Guidance] = []
    for file, raw in files.items():
        kind, _, base = file.rpartition("/")
        stem = base.rpartition(".")[0]
        if kind == "rules":
            document = Document(f"{name}/{file}", raw)
            rule = read_rule(document, stem)
            problems += document.problems
            rules += [rule] if rule is not None else []
        elif kind == "guidance":
            text = read_guidance(f"{name}/{file}", stem, raw, problems)
            guidance += [text] if text is not None else []
    return EnforcementContext(
        digest=_digest(files, rules),
        rules=tuple(rules),
        guidance=tuple(guidance),
        sha256=MappingProxyType(hashes(files)),
    )


def _compare(
    document: Document, manifest: Manifest, sha256: Mapping[str, str], problems: list[Problem], folder: str
) -> None:
    """The folder must hold what the manifest names, as it holds it to be, and nothing else."""
    for kind, named in (("rules", manifest.rules), ("guidance", manifest.guidance)):
        ending = ENDINGS[kind]
        for name, wanted in named.items():
            file = f"{kind}/{name}{ending}"
            if file not in sha256:
                document.say(wanted.path, f"{file} must be present and readable, and isn't; put it back")
            elif wanted.sha256 != sha256[file]:
                document.say(wanted.path, _unsealed(name, wanted, file, sha256[file]))
        for file, found in sha256.items():
            name = file.removeprefix(f"{kind}/").removesuffix(ending)
            if file.startswith(f"{kind}/") and name not in named:
                instead = (
                    f"write there:  {pin(name, found)}" if is_id(name) else "name it in words-like-these"
                )
                message = f"isn't named under {kind!r} in {folder}/{MANIFEST}; remove it, or {instead}"
                problems.append(Problem(f"{folder}/{file}", None, (), message))


def _unsealed(name: str, wanted: Named, file: str, found: str) -> str:
    if wanted.sha256 is None:
        wrong = f"{file} isn't held to its bytes"
    elif not wanted.well_formed:
        wrong = f"expected a sha256 of 64 hexadecimal digits for {file}, got {wanted.sha256!r:.80}"
    else:
        wrong = f"{file} was altered; see what changed with `git diff`"
    return (
        f"{wrong}. If the file is as it should be, run `loom enforcement seal`, or write instead:  "
        f"{pin(name, found)}"
    )


def _digest(files: Mapping[str, bytes], rules: Iterable[Rule]) -> str:
    # Two numbers in one text: a run must say what was in force, also where a name stands for Loom's own
    # patterns; and the folder alone must be found again in its history, whichever Loom looks for it.
    patterns = text_digest(rules)
    return digest_of(files) + (f"{PATTERNS}{patterns}" if patterns else "")
