"""The default models live long enough, and the app knows how to speak to them."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.domain.models import APPROVED
from tests.infra.bicep_text import INFRA, load, parameter_files, plain

MODELS_CHECKED_ON = "MODELS_CHECKED_ON"


@pytest.mark.requirement("infra:models")
def test_the_default_models_have_half_a_year_left() -> None:
    """The date is today's, or the one in MODELS_CHECKED_ON (YYYY-MM-DD)."""
    given = os.environ.get(MODELS_CHECKED_ON)
    today = date.fromisoformat(given) if given else datetime.now(UTC).date()
    main = load(INFRA / "main.bicep").declared
    for name in ("primaryModel", "secondaryModel", "utilityModel"):
        node = main[name].value
        assert node is not None
        model = plain(node)
        assert model["name"] in APPROVED, "the app would not know how to speak to it"
        assert date.fromisoformat(model["retires"]) - today >= timedelta(days=180), model


def test_no_parameter_file_brings_an_older_model() -> None:
    """They leave the models to the defaults, which the test above watches."""
    for path in parameter_files():
        assert "Model" not in path.read_text(encoding="utf-8"), path
