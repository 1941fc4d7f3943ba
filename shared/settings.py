"""Read the environment once into one validated, frozen Settings; all faults are reported together, by name."""

import base64
import binascii
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ModelWrapValidatorHandler, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.domain.allowance import PersonLimits
from shared.domain.conversation import Queue
from shared.domain.models import Deployments
from shared.domain.turn_events import TurnLimits

Names = Annotated[tuple[str, ...], NoDecode]

SEALING_KEY_BYTES = 32
"""AES-256."""
_ONE_OF = (
    ("COSMOS", "COSMOS__accountEndpoint"),
    ("WebPubSubConnectionString", "WebPubSubConnectionString__serviceUri"),
    ("PROMPTS", "PROMPTS__serviceUri"),
    ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"),
    ("SEALING_KEY", "SEALING_KEY_ID"),
)


class SettingsInvalid(Exception):
    """The environment cannot be used; the message names every faulty setting and no value."""


class Settings(BaseSettings):
    """Every setting of the app, described in docs/settings.md."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=False)

    site_name: str | None = Field(None, validation_alias="WEBSITE_SITE_NAME")
    identity_client_id: str | None = Field(None, validation_alias="MANAGED_IDENTITY_CLIENT_ID")
    app_version: str = Field("0.1.0", validation_alias="APP_VERSION")
    app_commit: str = Field("unknown", validation_alias="APP_COMMIT")
    insights: SecretStr | None = Field(None, validation_alias="APPLICATIONINSIGHTS_CONNECTION_STRING")

    cosmos: SecretStr | None = Field(None, validation_alias="COSMOS")
    cosmos_endpoint: str | None = Field(None, validation_alias="COSMOS__accountEndpoint")
    cosmos_database: str = Field("salescoach", validation_alias="COSMOS_DATABASE")

    web_pubsub: SecretStr | None = Field(None, validation_alias="WebPubSubConnectionString")
    web_pubsub_endpoint: str | None = Field(None, validation_alias="WebPubSubConnectionString__serviceUri")
    upstream_proof: Literal["signature", "identity"] = Field("identity", validation_alias="UPSTREAM_PROOF")
    upstream_audiences: Names = Field((), validation_alias="UPSTREAM_AUDIENCE")
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
    sealing_key: SecretStr | None = Field(None, validation_alias="SEALING_KEY")
    sealing_key_id: str | None = Field(None, pattern=r"^https://[^/]+/keys/[\w-]+$", validation_alias="SEALING_KEY_ID")

    mcp_source: Literal["cosmos", "file"] = Field("cosmos", validation_alias="MCP_SERVER_SOURCE")
    mcp_file: Path = Field(Path("mcpservers.json"), validation_alias="MCP_SERVERS_FILE")
    mcp_loopback: bool = Field(default=False, validation_alias="MCP_LOOPBACK")

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
    model_call_timeout_s: float = Field(60, gt=0, le=300, validation_alias="MODEL_CALL_TIMEOUT_S")
    model_silence_s: float = Field(20, gt=0, le=300, validation_alias="MODEL_SILENCE_S")
    tool_timeout_s: float = Field(60, gt=0, le=300, validation_alias="TOOL_TIMEOUT_S")
    approval_timeout_s: float = Field(600, gt=0, validation_alias="APPROVAL_TIMEOUT_S")
    group_approval_timeout_s: float = Field(120, gt=0, validation_alias="GROUP_APPROVAL_TIMEOUT_S")
    coach_names: Names = Field(("coach",), validation_alias="COACH_NAMES")
    messages_a_minute: int = Field(20, ge=1, le=500, validation_alias="MESSAGES_PER_MINUTE")
    running_turns: int = Field(2, ge=1, le=100, validation_alias="RUNNING_TURNS_PER_USER")
    connections: int = Field(5, ge=1, le=500, validation_alias="CONNECTIONS_PER_USER")
    tokens_a_day: int = Field(500_000, ge=1_000, le=1_000_000_000, validation_alias="TOKENS_PER_DAY")

    queue_policy: Literal["enqueue", "reject"] = Field("enqueue", validation_alias="QUEUE_POLICY")
    waiting_turns: int = Field(3, ge=0, le=50, validation_alias="WAITING_TURNS_PER_CONVERSATION")

    @field_validator("tenants", "audiences", "upstream_audiences", "allowed_origins", "coach_names", mode="before")
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

    @field_validator("sealing_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            fits = value is None or len(base64.b64decode(value.get_secret_value(), validate=True)) == SEALING_KEY_BYTES
        except binascii.Error:
            fits = False
        if not fits:
            raise ValueError(f"must be {SEALING_KEY_BYTES} bytes in Base64")
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _together(cls, given: Any, handler: ModelWrapValidatorHandler["Settings"]) -> "Settings":
        """Look between the settings even where one alone is wrong, so that all faults are told at once."""
        faults = [*_missing(given), *_unsafe(given)]
        try:
            made = handler(given)
        except ValidationError as fault:
            alone = [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in fault.errors()]
            raise SettingsInvalid(_told(alone + faults)) from None
        if faults:
            raise SettingsInvalid(_told(faults))
        return made

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

    def queue(self) -> Queue:
        """Say what becomes of a question while another one is being answered."""
        return Queue(policy=self.queue_policy, waiting=self.waiting_turns)

    def turn_limits(self) -> TurnLimits:
        """Give the bounds of one turn."""
        return TurnLimits(
            rounds=self.model_rounds,
            calls=self.tool_calls,
            turn_s=self.turn_timeout_s,
            model_call_s=self.model_call_timeout_s,
            second_model=self.chat_model != self.chat_model_secondary,
            tool_s=self.tool_timeout_s,
            approval_s=self.approval_timeout_s,
            group_approval_s=self.group_approval_timeout_s,
        )


@lru_cache(maxsize=1)
def load() -> Settings:
    """Read and validate the environment once.

    Raises:
        SettingsInvalid: naming every faulty setting.
    """
    return Settings()  # pyright: ignore[reportCallIssue]  # the values come from the environment


def _told(faults: list[str]) -> str:
    return "These settings are missing or wrong:\n  " + "\n  ".join(faults)


def _missing(given: dict[str, Any]) -> list[str]:
    return [f"{' or '.join(names)} is missing" for names in _ONE_OF if not any(given.get(name) for name in names)]


def _unsafe(given: dict[str, Any]) -> list[str]:
    """Refuse what would leave the app open (architecture.md, decision 13)."""
    faults: list[str] = []
    proof, in_azure = given.get("UPSTREAM_PROOF", "identity"), "WEBSITE_SITE_NAME" in given
    if proof == "identity" and not (given.get("UPSTREAM_AUDIENCE") and given.get("UPSTREAM_PRINCIPAL")):
        faults.append("UPSTREAM_PROOF identity needs UPSTREAM_AUDIENCE and UPSTREAM_PRINCIPAL")
    if proof == "signature" and not given.get("WebPubSubConnectionString"):
        faults.append("UPSTREAM_PROOF signature needs WebPubSubConnectionString with its key")
    if in_azure and proof == "signature":
        faults.append("UPSTREAM_PROOF signature covers no content and is refused in Azure")
    if in_azure and not str(given.get("AUTH_AUTHORITY", "https://")).startswith("https://"):
        faults.append("AUTH_AUTHORITY must be https in Azure")
    if in_azure and str(given.get("MCP_LOOPBACK", "false")).lower() != "false":
        faults.append("MCP_LOOPBACK is for local runs and refused in Azure")
    if in_azure and given.get("SEALING_KEY"):
        faults.append("SEALING_KEY is for local runs and refused in Azure, where SEALING_KEY_ID names the key")
    return faults
