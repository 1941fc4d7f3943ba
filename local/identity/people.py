"""Name the sample people, tenants and applications that the local issuer knows; none of them exists."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

HOME_TENANT = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT = "22222222-2222-4222-8222-222222222222"

API_AUDIENCE = "api://salescoach"
WEB_CLIENT_ID = "66666666-6666-4666-8666-666666666666"

_OID_NAMESPACE = uuid.UUID("5a1e5c0a-c000-4000-8000-000000000000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A sample person, as the directory of one tenant knows them."""

    user: str
    name: str
    roles: tuple[str, ...]
    tenant: str = HOME_TENANT

    @property
    def email(self) -> str:
        """The address under the domain that RFC 2606 keeps free for examples."""
        return f"{self.user}@example.com"

    def oid(self, tenant: str) -> str:
        """Return the object id in `tenant`; Entra gives a guest another one than at home."""
        return str(uuid.uuid5(_OID_NAMESPACE, f"{tenant}/{self.user}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A registered application or managed identity that may ask for tokens in its own name."""

    client_id: str
    secret: str
    oid: str
    name: str
    acts_for_people: bool


PEOPLE: dict[str, Person] = {
    person.user: person
    for person in (
        Person(user="sam.sales", name="Sam Sales (sample)", roles=("Sales",)),
        Person(user="sue.sales", name="Sue Sales (sample)", roles=("Sales",)),
        Person(user="hana.hr", name="Hana Resources (sample)", roles=("HR",)),
        Person(user="ada.admin", name="Ada Admin (sample)", roles=("Admin",)),
        Person(user="tom.both", name="Tom Both (sample)", roles=("Sales", "HR")),
        Person(user="nora.none", name="Nora None (sample)", roles=()),
        Person(user="eve.other", name="Eve Other (sample)", roles=("Sales",), tenant=OTHER_TENANT),
    )
}

TENANTS = frozenset({HOME_TENANT, OTHER_TENANT})

# The secrets are for this machine only; a deployment uses managed identities, which have none.
APPLICATIONS: dict[str, Application] = {
    application.client_id: application
    for application in (
        Application(
            client_id="33333333-3333-4333-8333-333333333333",
            secret="local-obo-secret",
            oid="33333333-3333-4333-8333-0000000000aa",
            name="salescoach-app",
            acts_for_people=True,
        ),
        Application(
            client_id="44444444-4444-4444-8444-444444444444",
            secret="local-webpubsub-secret",
            oid="44444444-4444-4444-8444-0000000000aa",
            name="salescoach-webpubsub-identity",
            acts_for_people=False,
        ),
    )
}
