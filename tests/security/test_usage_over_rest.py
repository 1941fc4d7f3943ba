"""A person's own count of tokens, as REST shows it."""

from __future__ import annotations

import uuid

import pytest

from tests.security.deployment import Deployment


@pytest.mark.requirement("limits:tokens")
async def test_what_an_answer_cost_is_in_its_askers_count_and_in_nobody_elses(deployment: Deployment) -> None:
    """Set aside while it runs, counted when it has ended; as the stored answers say."""
    nora, session = deployment.person("nora.none"), str(uuid.uuid4())
    before = (await deployment.rest("GET", "/api/usage", nora.token)).json["data"]
    hana = (await deployment.rest("GET", "/api/usage", deployment.token("hana.hr"))).json["data"]

    await deployment.ended_question(nora, session)
    listed = await deployment.rest("GET", f"/api/sessions/{session}/messages", nora.token)
    cost = sum(item["usage"]["input_tokens"] + item["usage"]["output_tokens"] for item in listed.json["data"]["items"]
               if item["author"] == "assistant")  # fmt: skip
    after = before
    while after["used"] == before["used"] or after["reserved"]:
        after = (await deployment.rest("GET", "/api/usage", nora.token)).json["data"]

    assert after["used"] - before["used"] == cost > 0
    assert after["left"] == after["limit"] - after["used"]
    assert after["days"][0]["day"] == after["day"]
    assert (await deployment.rest("GET", "/api/usage", deployment.token("hana.hr"))).json["data"] == hana
