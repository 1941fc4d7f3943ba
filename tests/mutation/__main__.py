"""Change the code that guards people one operator at a time, and see whether a test notices: `make mutation`.

mutmut works on a copy of the repository, in an environment of its own that sees the project's packages. Log lines and
refusals in words are not changed: no test reads them letter by letter, and none should. `--minutes` bounds the run;
what was not reached by then is told.
"""

import argparse
import json
import shutil
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".local" / "mutation"
MUTMUT = "mutmut==3.8.1"
LEAST = 0.85
"""So many of the changes must be noticed."""
COPIED = ("shared", "functions", "tests", "local", "docs", "host.json", "function_app.py", "mcpservers.json")

GUARDS = {
    "auth": (
        "shared/adapters/entra.py",
        "shared/adapters/upstream.py",
        "shared/domain/rights.py",
        "shared/flow/rights.py",
    ),
    "roles": ("shared/domain/policy.py",),
    "ledger": ("shared/flow/plan.py", "shared/domain/tools.py"),
    "limits": ("shared/domain/allowance.py", "shared/domain/budget.py", "shared/flow/limits.py"),
}
TESTS = (
    "tests/unit/auth", "tests/unit/domain/test_budget.py", "tests/unit/domain/test_rights.py",
    "tests/unit/domain/test_rules.py", "tests/unit/flow/test_limits.py", "tests/unit/flow/test_tokens_a_day.py",
    "tests/unit/flow/test_rights.py", "tests/unit/flow/test_watching.py", "tests/unit/flow/test_tools.py",
    "tests/unit/flow/test_untrusted.py", "tests/unit/flow/test_guards_exactly.py",
    "tests/unit/flow/test_plan_exactly.py", "tests/unit/flow/test_withheld.py", "tests/unit/flow/test_interruptions.py",
    "tests/unit/domain/test_group.py", "tests/unit/domain/test_ledger.py",
)  # fmt: skip
LEFT_ALONE = (
    r"_log\.",
    r"extra=\{",
    r"^\s*text = f?\"",
    r"(raise|return) (ChatError|StoreUnavailable)\(",
    r"reason = \"",
)


def prepare(guards: list[str]) -> Path:
    """Copy what is needed, and tell mutmut what to change and what to run."""
    repository = PLACE / "repository"
    shutil.rmtree(repository, ignore_errors=True)
    repository.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        (
            shutil.copytree(source, repository / name, ignore=ignored)
            if source.is_dir()
            else shutil.copy(source, repository)
        )
    files = [file for name in guards for file in GUARDS[name]]
    settings = {
        "source_paths": ["shared", "functions"], "only_mutate": files, "also_copy": [*COPIED[2:], "pyproject.toml"],
        "pytest_add_cli_args_test_selection": list(TESTS), "do_not_mutate_patterns": list(LEFT_ALONE),
    }  # fmt: skip
    # A list of texts in JSON is one in TOML, too.
    lines = [f"{name} = {json.dumps(values)}" for name, values in settings.items()]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (repository / "pyproject.toml").write_text(
        project + "\n[tool.mutmut]\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )
    return repository


def install() -> Path:
    """Make the environment, once; a `.pth` file shows it the project's packages."""
    environment = PLACE / "environment"
    tool = environment / "bin" / "mutmut"
    if not tool.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)  # noqa: S603
        subprocess.run([environment / "bin" / "pip", "install", "--quiet", MUTMUT], check=True)  # noqa: S603
        packages = next((environment / "lib").glob("python*/site-packages"))
        (packages / "project.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return tool


def main() -> int:
    """Run, print the figures and the survivors, and fail below the bound."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--children", type=int, default=2)
    options.add_argument("guards", nargs="*", default=[*GUARDS], help=", ".join(GUARDS))
    given = options.parse_args()
    repository, tool, began = prepare(given.guards), install(), time.monotonic()
    command = [tool, "run", "--max-children", str(given.children)]
    running = subprocess.Popen(command, cwd=repository, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        running.wait(given.minutes * 60)
    except subprocess.TimeoutExpired:
        running.terminate()
        running.wait(30)
        drop_torn(repository)
    command = [tool, "results", "--all", "true"]
    listed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)  # noqa: S603
    return report(listed.stdout, time.monotonic() - began)


def drop_torn(repository: Path) -> None:
    """Take away results that were being written when the run was stopped; without them the others can be read."""
    for meta in (repository / "mutants").rglob("*.meta"):
        try:
            json.loads(meta.read_text(encoding="utf-8"))
        except ValueError:
            meta.unlink()
            sys.stdout.write(f"{meta.stem}: its results were lost when the time was over\n")


def report(listed: str, seconds: float) -> int:
    """Print each survivor, and how many of each file were noticed."""
    ends: dict[str, Counter[str]] = {}
    for line in listed.splitlines():
        name, _, end = line.strip().partition(": ")
        if "__mutmut_" not in name:
            continue
        file = name.partition(".x")[0]
        ends.setdefault(file, Counter())[end] += 1
        if end not in ("killed", "timeout", "not checked"):
            sys.stdout.write(f"  {end}: {name}\n")
    total = Counter[str]()
    for file, counted in sorted(ends.items()):
        total += counted
        sys.stdout.write(f"{file}: {dict(counted)}\n")
    noticed = total["killed"] + total["timeout"]
    looked_at = sum(total.values()) - total["not checked"]
    share = noticed / looked_at if looked_at else 0.0
    sys.stdout.write(
        f"{noticed} of {looked_at} noticed ({share:.1%}), {total['not checked']} not reached, {seconds:.0f} s\n"
    )
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
