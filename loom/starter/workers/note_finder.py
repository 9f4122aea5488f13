"""Finds notes such as TODO and FIXME that somebody left in the project's files."""

from pydantic import BaseModel

from loom.worker import Finding, WorkerContext, WorkerOutput

SUFFIXES = {".py", ".md", ".txt", ".yaml", ".yml", ".toml", ".js", ".ts", ".html", ".css", ".sh"}


class Settings(BaseModel):
    words: list[str] = ["TODO"]


class Output(WorkerOutput):
    files_read: int


def run(context: WorkerContext[Settings]) -> Output:
    findings = []
    files_read = 0
    for path in sorted(context.project.rglob("*")):
        name = path.relative_to(context.project).as_posix()
        if path.suffix not in SUFFIXES or any(part.startswith(".") for part in path.parts):
            continue
        files_read += 1
        context.progress(name)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            for word in context.settings.words:
                if f"{word}:" in line:
                    findings.append(
                        Finding(
                            severity="info",
                            title=line.split(f"{word}:", 1)[1].strip()[:120] or word,
                            detail="Do it, or take the note out.",
                            subject=f"{name}:{number}",
                        )
                    )
    return Output(
        summary=f"notes found: {len(findings)}, in {files_read} files",
        findings=findings,
        metrics={"notes": len(findings)},
        files_read=files_read,
    )


# TODO: write a worker of your own, and name it in worker-registry.yaml
