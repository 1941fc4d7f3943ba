"""Read the environment once into one validated, frozen Settings; all faults are reported together, by name."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.domain.allowance import PersonLimits
from shared.domain.models import Deployments
from shared.domain.turn_events import TurnLimits

Names = Annotated[tuple[str, ...], NoDecode]


class SettingsInvalid(Exception):
    """The environment cannot be used; the message names every faulty setting and no value."""


class Settings(BaseSettings):
    """Every setting of the app, described in docs/settings.md."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=False)

    site_name: str | None = Field(None, validation_alias="WEBSITE_SITE_NAME")
    identity_client_id: str | None = Field(None, validation_alias="MANAGED_IDENTITY_CLIENT_ID")
    app_version: str = Field("0.1.0", validation_alias="APP_VERSION")
    app_commit: str = Field("unknown", validation_alias="APP_COMMIT")

    cosmos: SecretStr | None = Field(None, validation_alias="COSMOS")
    cosmos_endpoint: str | None = Field(None, validation_alias="COSMOS__accountEndpoint")
    cosmos_database: str = Field("salescoach", validation_alias="COSMOS_DATABASE")

    web_pubsub: SecretStr | None = Field(None, validation_alias="WebPubSubConnectionString")
    web_pubsub_endpoint: str | None = Field(None, validation_alias="WebPubSubConnectionString__serviceUri")
    upstream_proof: Literal["signature", "identity"] = Field("identity", validation_alias="UPSTREAM_PROOF")
    upstream_audience: str | None = Field(None, validation_alias="UPSTREAM_AUDIENCE")
    upstream_principal: str | None = Field(None, validation_alias="UPSTREAM_PRINCIPAL")
    allowed_origins: Names = Field((), validation_alias="ALLOWED_ORIGINS")

    prompts: SecretStr | None = Field(None, validation_alias="PROMPTS")
    prompts_endpoint: str | None = Field(None, validation_alias="PROMPTS__serviceUri")
    prompts_container: str = Field("prompts", validation_alias="PROMPTS_CONTAINER")
    prompts_fresh_s: float = Field(60, ge=0, le=60, validation_alias="PROMPTS_FRESH_S")

    authority: str = Field("https://login.microsoftonline.com", validation_alias="AUTH_AUTHORITY")
    tenants: Names = Field(validation_alias="AUTH_TENANTS")
    audiences: Names = Field(validation_alias="AUTH_AUDIENCES")
    scope: str = Field("access_as_user", validation_alias="AUTH_SCOPE")
    client_id: str | None = Field(None, validation_alias="AUTH_CLIENT_ID")
    client_secret: SecretStr | None = Field(None, validation_alias="AUTH_CLIENT_SECRET")
    sealing_key: SecretStr = Field(validation_alias="SEALING_KEY")

    mcp_source: Literal["cosmos", "file"] = Field("cosmos", validation_alias="MCP_SERVER_SOURCE")
    mcp_file: Path = Field(Path("mcpservers.json"), validation_alias="MCP_SERVERS_FILE")

    openai_base_url: str | None = Field(None, validation_alias="OPENAI_BASE_URL")
    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY")
    azure_openai_endpoint: str | None = Field(None, validation_alias="AZURE_OPENAI_ENDPOINT")
    azure_openai_api_key: SecretStr | None = Field(None, validation_alias="AZURE_OPENAI_API_KEY")
    chat_model: str = Field("gpt-4.1-mini", validation_alias="AZURE_OPENAI_CHAT_MODEL")
    chat_model_secondary: str = Field("gpt-4.1-mini-2", validation_alias="AZURE_OPENAI_CHAT_MODEL_SECONDARY")
    utility_model: str | None = Field(None, validation_alias="AZURE_OPENAI_UTILITY_MODEL")

    history_retention_days: int = Field(0, ge=0, le=24_855, validation_alias="HISTORY_RETENTION_DAYS")
    fiscal_year_start_month: int = Field(1, ge=1, le=12, validation_alias="FISCAL_YEAR_START_MONTH")
    turn_timeout_s: float = Field(300, gt=0, le=360, validation_alias="TURN_TIMEOUT_S")
    model_rounds: int = Field(8, ge=1, le=32, validation_alias="MODEL_ROUNDS_PER_TURN")
    tool_calls: int = Field(16, ge=0, le=64, validation_alias="TOOL_CALLS_PER_TURN")
    approval_timeout_s: float = Field(600, gt=0, validation_alias="APPROVAL_TIMEOUT_S")
    messages_a_minute: int = Field(20, ge=1, le=500, validation_alias="MESSAGES_PER_MINUTE")
    running_turns: int = Field(2, ge=1, le=100, validation_alias="RUNNING_TURNS_PER_USER")
    connections: int = Field(5, ge=1, le=500, validation_alias="CONNECTIONS_PER_USER")
    tokens_a_day: int = Field(500_000, ge=1_000, le=1_000_000_000, validation_alias="TOKENS_PER_DAY")

    @field_validator("tenants", "audiences", "allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("tenants", "audiences")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("at least one is needed")
        return value

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        faults = [*self._missing(), *self._unsafe()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _missing(self) -> list[str]:
        pairs = {
            "COSMOS or COSMOS__accountEndpoint": self.cosmos or self.cosmos_endpoint,
            "WebPubSubConnectionString or WebPubSubConnectionString__serviceUri": (
                self.web_pubsub or self.web_pubsub_endpoint
            ),
            "PROMPTS or PROMPTS__serviceUri": self.prompts or self.prompts_endpoint,
            "OPENAI_BASE_URL or AZURE_OPENAI_ENDPOINT": self.openai_base_url or self.azure_openai_endpoint,
        }
        return [f"{names} is missing" for names, value in pairs.items() if not value]

    def _unsafe(self) -> list[str]:
        """Refuse what would leave the app open (architecture.md, decision 13)."""
        faults: list[str] = []
        if self.upstream_proof == "identity" and not (self.upstream_audience and self.upstream_principal):
            faults.append("UPSTREAM_PROOF identity needs UPSTREAM_AUDIENCE and UPSTREAM_PRINCIPAL")
        if self.upstream_proof == "signature" and not self.web_pubsub:
            faults.append("UPSTREAM_PROOF signature needs WebPubSubConnectionString with its key")
        if self.in_azure and self.upstream_proof == "signature":
            faults.append("UPSTREAM_PROOF signature covers no content and is refused in Azure")
        if self.in_azure and not self.authority.startswith("https://"):
            faults.append("AUTH_AUTHORITY must be https in Azure")
        return faults

    @property
    def in_azure(self) -> bool:
        """Whether the app runs on Azure's own host (which sets WEBSITE_SITE_NAME)."""
        return self.site_name is not None

    def deployments(self) -> Deployments:
        """Name the models in use."""
        return Deployments(primary=self.chat_model, secondary=self.chat_model_secondary, utility=self.utility_model)

    def person_limits(self) -> PersonLimits:
        """Give the bounds of one person."""
        return PersonLimits(
            messages_a_minute=self.messages_a_minute,
            running_turns=self.running_turns,
            connections=self.connections,
            tokens_a_day=self.tokens_a_day,
        )

    def turn_limits(self) -> TurnLimits:
        """Give the bounds of one turn."""
        return TurnLimits(
            rounds=self.model_rounds,
            calls=self.tool_calls,
            turn_s=self.turn_timeout_s,
            approval_s=self.approval_timeout_s,
        )


@lru_cache(maxsize=1)
def load() -> Settings:
    """Read and validate the environment once.

    Raises:
        SettingsInvalid: naming every faulty setting.
    """
    try:
        return Settings()  # pyright: ignore[reportCallIssue]  # the values come from the environment
    except ValidationError as fault:
        lines = [f"{'.'.join(map(str, part['loc'])) or 'settings'}: {part['msg']}" for part in fault.errors()]
        raise SettingsInvalid("These settings are missing or wrong:\n  " + "\n  ".join(lines)) from None
