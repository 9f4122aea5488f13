"""May this worker start that program, copy itself, call into libraries? By the rules of kind process."""

import os
import shutil
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from loom.domain.enforcement import GUARD, Ruling
from loom.domain.rules import ProcessRule, ProgramAllowance
from loom.enforcement.judges.places import LOADERS, Places

_ADVICE = "if it is meant, add one to enforcement/rules/ and run `loom enforcement seal`"


class ProgramRuler:
    """rules: those that apply to the worker."""

    def __init__(self, rules: Sequence[ProcessRule], places: Places) -> None:
        self._rules = rules
        self._places = places
        self.denies_modules = any(rule.deny_modules for rule in rules)

    def run(
        self, program: str, arguments: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str]
    ) -> Ruling:
        """May it start `program` with `arguments`, the program's own name left out?

        program: as the system is told it. cwd, env: what the program would start with.
        """
        real = self._really(program, cwd, env)
        for rule in self._rules:
            if any(fnmatchcase(program, each) or self._is(each, real) for each in rule.deny_programs):
                return Ruling(False, rule.id, rule.why)
        smuggled = next((n for n in LOADERS if env.get(n) and env[n] != self._places.env.get(n)), None)
        if smuggled is not None:
            return Ruling(False, GUARD, f"{smuggled} would make it run something else as well")
        if [*arguments] == ["-p"] and os.path.basename(program) == "uname" and self._is("uname", real):  # noqa: PTH119
            return Ruling(True, GUARD, "Python's module platform asks it what machine this is")
        close: ProcessRule | None = None
        for rule in self._rules:
            for allowance in rule.programs:
                if self._is(allowance.program, real):
                    if _fit(allowance, arguments):
                        return Ruling(True, rule.id, rule.why)
                    close = close or rule
        if close is not None:
            return Ruling(False, close.id, f"not with these arguments. {close.why}")
        return Ruling(False, GUARD, f"no rule of kind process lets this worker start {program}; {_ADVICE}")

    def fork(self) -> Ruling:
        """May it copy its own process?"""
        return self._flag("fork", "copy its process")

    def native(self) -> Ruling:
        """May it call into libraries by itself, past all that Python can see?"""
        return self._flag("native", "call into libraries by itself")

    def import_(self, module: str) -> Ruling:
        """May it import `module`?"""
        for rule in self._rules:
            for pattern in rule.deny_modules:
                if fnmatchcase(module, pattern) or module.startswith(f"{pattern}."):
                    return Ruling(False, rule.id, rule.why)
        return Ruling(True, GUARD, "modules are imported freely where no rule denies it")

    def _flag(self, flag: str, what: str) -> Ruling:
        for rule in self._rules:
            if getattr(rule, flag):
                return Ruling(True, rule.id, rule.why)
        return Ruling(
            False, GUARD, f"no rule of kind process lets this worker {what} (`{flag}: true`); {_ADVICE}"
        )

    def _really(self, program: str, cwd: str | None, env: Mapping[str, str]) -> str | None:
        """The file that would be run, links resolved; None if there is none."""
        if program.startswith("/"):
            return os.path.realpath(program)
        if "/" in program:
            return os.path.realpath(os.path.join(cwd or os.getcwd(), program))  # noqa: PTH109, PTH118
        found = shutil.which(program, path=os.pathsep.join(os.get_exec_path(dict(env))))
        return None if found is None else os.path.realpath(os.path.join(cwd or "", found))  # noqa: PTH118

    def _is(self, named: str, real: str | None) -> bool:
        """Whether what a rule names is the file `real`; it is looked for by the PATH of the beginning."""
        if real is None or named == "*":
            return named == "*"
        if "/" in named:
            return os.path.realpath(os.path.join(self._places.project, named)) == real  # noqa: PTH118
        found = shutil.which(named, path=self._places.env.get("PATH", os.defpath))
        return found is not None and os.path.realpath(found) == real


def _fit(allowance: ProgramAllowance, arguments: Sequence[str]) -> bool:
    if any(fnmatchcase(each, never) for each in arguments for never in allowance.never):
        return False
    if allowance.arguments is None:
        return True
    wanted = allowance.arguments
    if wanted and "**" in wanted[-1]:
        wanted = wanted[:-1]
        if len(arguments) < len(wanted):
            return False
    elif len(arguments) != len(wanted):
        return False
    return all(
        any(fnmatchcase(argument, choice) for choice in choices)
        for argument, choices in zip(arguments, wanted, strict=False)
    )
