"""Get Chromium for the browser tests where Debian's package manager can be used."""

from __future__ import annotations

import os
import shutil
import subprocess

from local.stack.preflight import Unfit

NAMES = ("chromium", "chromium-browser", "google-chrome")


def install() -> None:
    """Install Chromium unless one is there.

    Raises:
        Unfit: there is no apt-get, or it failed.

    """
    if any(shutil.which(name) for name in NAMES):
        return
    if shutil.which("apt-get") is None:
        raise Unfit("The browser tests need Chromium, and without apt-get it must be installed by hand.")
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    print("  Chromium: installing", flush=True)
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        command = [*as_root, "apt-get", "--quiet=2", *words]
        done = subprocess.run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False)
        if done.returncode:
            raise Unfit(f"`{' '.join(command)}` failed.")
