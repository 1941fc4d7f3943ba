"""The registry of models: what is in use, what it costs, and when it retires."""

from datetime import date, timedelta

import pytest

from shared.domain.conversation import Usage
from shared.domain.model import ModelRequest
from shared.domain.models import APPROVED, RETIRES_SOON_DAYS, Deployments, cost, report, spec_of

RETIRES = date(2027, 4, 14)
OLD = Deployments(primary="gpt-4.1-mini", secondary="gpt-4.1-mini-2")


def test_the_utility_model_is_of_the_primary_s_family_unless_a_setting_names_another() -> None:
    """And the primary itself where the registry knows no family."""
    utility = ModelRequest(system="", said=(), purpose="utility", use_secondary=True)
    named = Deployments(primary="gpt-5.4-mini", secondary="b", utility="own")

    assert OLD.serving(utility) == "gpt-4.1-nano"
    assert Deployments(primary="gpt-5.4-mini", secondary="b").serving(utility) == "gpt-5.4-nano"
    assert Deployments(primary="a", secondary="b").serving(utility) == "a"
    assert named.serving(utility) == "own"


def test_every_approved_model_names_models_that_are_approved() -> None:
    """Utility models and successors are ready to be chosen by a setting."""
    for spec in APPROVED.values():
        assert spec.name == APPROVED[spec.name].name
        assert {spec.utility, spec.successor} - {None} <= set(APPROVED)
        assert spec.retires is not None
        assert cost(spec, Usage(input_tokens=1_000_000, output_tokens=1_000_000))


@pytest.mark.requirement("api:model-health")
@pytest.mark.parametrize(
    ("days", "state"),
    [(RETIRES_SOON_DAYS + 1, "ok"), (RETIRES_SOON_DAYS, "retires_soon"), (0, "retires_soon"), (-1, "retired")],
)
def test_the_report_warns_before_a_model_retires(days: int, state: str) -> None:
    """Days to the date, and the model that follows."""
    primary, _, utility = report(OLD.in_use(), RETIRES - timedelta(days=days))

    assert (primary.role, primary.state, primary.days_left, primary.successor) == (
        "primary",
        state,
        days,
        "gpt-5.4-mini",
    )
    assert (utility.role, utility.name) == ("utility", "gpt-4.1-nano")


def test_a_model_that_is_not_in_the_registry_has_an_unknown_date() -> None:
    """And the most careful description."""
    (health,) = report([("primary", "own")], RETIRES)

    assert (health.state, health.days_left) == ("unknown", None)
    assert spec_of("own").takes_temperature is False
