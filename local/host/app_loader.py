"""Load `function_app` and index all of its functions; one fault refuses the whole app."""

import importlib
import os
import pathlib
import re
import sys
from types import ModuleType
from typing import Any

from local.host.app_model import FunctionInfo, IndexingFailed
from local.host.binding_rules import check_app
from local.host.indexing import index_function

_SCRIPT_FILE = re.compile(r"^[a-zA-Z0-9_][a-zA-Z0-9_\-]*\.py$")


def load_app(app_dir: pathlib.Path) -> list[FunctionInfo]:
    """Import the app from its folder and index it; the folder becomes the working directory.

    Functions come sorted by name, as the host sorts them; the order decides between overlapping routes.

    Raises:
        IndexingFailed: the app is refused; the text names the function and the rule.
    """
    script = os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not _SCRIPT_FILE.match(script):
        msg = f"Invalid file name: {script}"
        raise IndexingFailed(msg)
    if not (app_dir / script).is_file():
        msg = f"no {script} in {app_dir}"
        raise IndexingFailed(msg)
    os.chdir(app_dir)
    sys.path.insert(0, str(app_dir))
    functions = [index_function(function) for function in _functions_of(_import(script), script)]
    _refuse_sdk_types()
    check_app(functions)
    return sorted(functions, key=lambda function: function.name.lower())


def _import(script: str) -> ModuleType:
    try:
        return importlib.import_module(pathlib.Path(script).stem)
    except Exception as fault:
        msg = f"{script} cannot be imported: {type(fault).__name__}: {fault}"
        raise IndexingFailed(msg) from fault


def _functions_of(module: ModuleType, script: str) -> list[Any]:
    from azure.functions import FunctionRegister  # noqa: PLC0415 - the app chooses when it is imported

    apps = [value for value in vars(module).values() if isinstance(value, FunctionRegister)]
    if len(apps) > 1:
        msg = f"More than one {type(apps[0]).__name__} or other top level function app instances are defined."
        raise IndexingFailed(msg)
    if not apps:
        msg = f"Could not find top level function app instances in {script}."
        raise IndexingFailed(msg)
    try:
        # Called once only: a second call on the same app reports every name as a duplicate.
        return apps[0].get_functions()
    except ValueError as fault:
        raise IndexingFailed(str(fault)) from fault


def _refuse_sdk_types() -> None:
    """Refuse SDK-type bindings and streaming HTTP: the import alone switches the worker to them."""
    if "azurefunctions.extensions.base" in sys.modules:
        msg = "azurefunctions.extensions (SDK-type bindings, streaming HTTP) is not offered by the local host"
        raise IndexingFailed(msg)
