"""Name the files and folders of the local stack, so that each has one definition."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NODE_PROJECTS = {"Azurite": ROOT / "local" / "stack", "web client": ROOT / "web"}
AZURITE = ROOT / "local" / "stack" / "node_modules" / "azurite" / "dist" / "src"


@dataclass(frozen=True, slots=True)
class Places:
    """The data folder of one stack; everything in it may be cleared but nothing outside it."""

    data: Path

    @property
    def manifest(self) -> Path:
        """The list of endpoints and process ids."""
        return self.data / "stack.json"

    @property
    def lock(self) -> Path:
        """The file that a running stack keeps locked; it holds the supervisor's process id."""
        return self.data / "lock"

    @property
    def control(self) -> Path:
        """The Unix socket that `stop`, `start`, `restart`, `status` and `down` speak to."""
        return self.data / "control.sock"

    @property
    def logs(self) -> Path:
        """One log file for each part."""
        return self.data / "logs"

    @property
    def servers(self) -> Path:
        """The tool servers' list with the real ports."""
        return self.data / "mcpservers.json"

    def log(self, part: str) -> Path:
        """Name the log file of a part."""
        return self.logs / f"{part}.log"

    def of(self, part: str) -> Path:
        """Name the folder in which a part keeps its data."""
        return self.data / part
