"""The local host treats apps as Microsoft's own worker library does."""

import contextlib
import json
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
from typing import Any

import pytest

_HERE = pathlib.Path(__file__).parent
_ROOT = _HERE.parents[3]
_LIBRARY = "azure-functions-runtime==1.3.0"
_CASES_MODULE = runpy.run_path(str(_HERE / "conformance_cases.py"))
_CASES: dict[str, Any] = _CASES_MODULE["CASES"]
_SAME = [name for name, case in _CASES.items() if not case.stricter]
_STRICTER = [name for name, case in _CASES.items() if case.stricter]

Results = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def library() -> pathlib.Path:
    """Install the worker library beside the project, once a machine; its Python pin is one version ahead."""
    target = pathlib.Path(tempfile.gettempdir()) / _LIBRARY.replace("==", "-")
    if target.is_dir():
        return target
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = pathlib.Path(folder) / "library"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--ignore-requires-python"]
        command += ["--target", str(fresh), _LIBRARY]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our interpreter
        if done.returncode:
            pytest.skip(f"{_LIBRARY} cannot be installed: {done.stderr.strip()[-300:]}")
        # Another run may have been quicker.
        with contextlib.suppress(OSError):
            fresh.rename(target)
    return target


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write every case's app into a folder of its own."""
    listed: list[dict[str, Any]] = []
    for at, case in enumerate(_CASES.values()):
        folder = tmp_path_factory.mktemp(f"case{at}")
        (folder / "function_app.py").write_text(_CASES_MODULE["PRELUDE"] + case.source)
        listed.append({"app": str(folder), "calls": case.calls})
    return json.dumps(listed)


@pytest.fixture(scope="session")
def ours(jobs: str) -> Results:
    """Run the cases through the local host."""
    return _run("worker_side_ours.py", _ROOT, jobs)


@pytest.fixture(scope="session")
def theirs(jobs: str, library: pathlib.Path) -> Results:
    """Run the cases through Microsoft's worker library."""
    return _run("worker_side_theirs.py", library, jobs)


def _run(script: str, python_path: pathlib.Path, jobs: str) -> Results:
    settings = {"COSMOS": "AccountEndpoint=http://127.0.0.1:1/;AccountKey=a2V5;", "PYTHONPATH": str(python_path)}
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, str(_HERE / script)],
        input=jobs,
        env=os.environ | settings,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(_CASES, json.loads(done.stdout.splitlines()[-1]), strict=True))


@pytest.mark.parametrize("name", [name for name in _SAME if not _CASES[name].refused])
def test_an_app_is_indexed_and_called_with_the_same_results(name: str, ours: Results, theirs: Results) -> None:
    """Bindings, conversions, return values, outputs and failures are equal."""
    assert ours[name] == theirs[name]
    assert ours[name]["refused"] is None


@pytest.mark.parametrize("name", [name for name in _SAME if _CASES[name].refused])
def test_an_app_is_refused_with_the_same_words(name: str, ours: Results, theirs: Results) -> None:
    """Both refuse, and what the library says is in what the local host says."""
    words = theirs[name]["refused"].split(": ", 1)[1].split(". Cannot find module")[0]

    assert _CASES[name].refused in words
    assert words in ours[name]["refused"]


@pytest.mark.parametrize("name", _STRICTER)
def test_what_the_host_refuses_after_the_worker_is_refused_by_name(name: str, ours: Results) -> None:
    """The sentence names the function and the rule."""
    assert _CASES[name].stricter in ours[name]["refused"]
    assert ours[name]["refused"].startswith("cannot load the ")


def test_every_refusal_names_its_function(ours: Results) -> None:
    """Except where the fault is the app's as a whole, or azure.functions itself reports it."""
    of_the_app = {"two apps", "one app under two names", "no app", "import that fails", "duplicate names", "no trigger"}
    refused = [name for name in _SAME if _CASES[name].refused and name not in of_the_app]

    assert all(ours[name]["refused"].startswith("cannot load the f function: ") for name in refused)
