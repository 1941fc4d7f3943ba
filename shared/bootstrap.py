"""Turn Settings into Services, once per worker: the composition root; adapters are imported where they are built."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from shared.domain.ids import UserId
from shared.domain.models import Flavour
from shared.domain.tools import ServerEntry, ToolContext
from shared.erasure_ports import Eraser
from shared.flow.services import Services, TurnServices, Untold, Watch
from shared.ports import ChatModel, ClientChannel, Clock, PromptStore, TokenSealer, TurnEngine, UpstreamProof
from shared.question_ports import QuestionBook
from shared.settings import Settings, load
from shared.tool_ports import ToolRegistry, ToolRunner
from shared.watch_ports import Telemetry

if TYPE_CHECKING:
    from shared.adapters.cosmos.client import CosmosAccount

_T = TypeVar("_T")


def settings() -> Settings:
    """Give the validated settings.

    Raises:
        SettingsInvalid: naming every faulty setting.
    """
    return load()


@lru_cache(maxsize=1)
def services() -> Services:
    """Build what the light triggers need, at the first event."""
    from shared.adapters import json_logs
    from shared.adapters.cosmos.conversations import CosmosConversations
    from shared.adapters.cosmos.groups import CosmosGroups
    from shared.adapters.cosmos.people import CosmosPeople
    from shared.adapters.cosmos.users import CosmosUsers
    from shared.adapters.entra import EntraTokens, EntraVerifier
    from shared.adapters.system_clock import SystemClock

    values = settings()
    json_logs.set_up()
    clock = SystemClock()
    account = cosmos_account()
    return Services(
        clock=clock,
        verifier=EntraVerifier(EntraTokens(values.authority, values.tenants, values.audiences), values.scope),
        upstream=_upstream(values),
        sealer=_sealer(values),
        conversations=CosmosConversations(account.items("conversations"), values.history_retention_days),
        users=CosmosUsers(account.items("users"), clock, _list_key(values, "cursor"), values.history_retention_days),
        groups=CosmosGroups(account.items("conversations")),
        people=CosmosPeople(account.items("users"), _list_key(values, "people")),
        registry=_registry(values, account, clock),
        channel=_channel(values),
        limits=values.turn_limits(),
        watch=_watch(values, account),
        coach_names=values.coach_names,
        queue=values.queue(),
        telemetry=_telemetry(values),
    )


@lru_cache(maxsize=1)
def cosmos_account() -> "CosmosAccount":
    """Build the one connection of this worker to the database; it opens at its first use."""
    from shared.adapters.cosmos.client import CosmosAccount

    values = settings()
    if values.cosmos:
        return CosmosAccount.from_connection_string(values.cosmos.get_secret_value(), values.cosmos_database)
    return CosmosAccount(_given(values.cosmos_endpoint), credential(), values.cosmos_database)


@lru_cache(maxsize=1)
def question_book() -> QuestionBook:
    """Build what keeps the common questions."""
    from shared.adapters.cosmos.questions import CosmosQuestions

    account = cosmos_account()
    return CosmosQuestions(account.items("registry"), account.items("conversations"))


@lru_cache(maxsize=1)
def eraser() -> Eraser:
    """Build what takes away what is stored of a conversation or a person."""
    from shared.adapters.cosmos.erasure import CosmosEraser

    account = cosmos_account()
    return CosmosEraser(account.items("conversations"), account.items("users"))


@lru_cache(maxsize=1)
def turn_services() -> TurnServices:
    """Build what the activities need besides: model, prompts and tools; a light trigger never comes here."""
    from shared.adapters.argument_schemas import ArgumentSchemas
    from shared.adapters.bpe_tokens import BpeTokens
    from shared.adapters.markdown_tables import MarkdownTables

    values = settings()
    light = services()
    shared = {field.name: getattr(light, field.name) for field in fields(Services)}
    return TurnServices(
        **shared,
        model=_model(values),
        prompts=prompts(),
        tools=_tools(values),
        read_markdown=MarkdownTables().read,
        fits_schema=ArgumentSchemas().fault,
        fiscal_year_start_month=values.fiscal_year_start_month,
        count_tokens=BpeTokens().count,
        context_tokens=values.deployments().question_tokens(),
    )


def engine(client: Any) -> TurnEngine:
    """Wrap the durable client that a trigger was given."""
    from shared.adapters.durable import DurableTurns

    return DurableTurns(client, settings().turn_limits())


@lru_cache(maxsize=1)
def credential() -> Any:
    """Build the app's own identity, once; its token cache lives with it."""
    from azure.identity.aio import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=settings().identity_client_id)


def _sealer(values: Settings) -> TokenSealer:
    from shared.adapters.sealing import EnvelopeSealer, LocalKey

    if values.sealing_key:
        return EnvelopeSealer(LocalKey(values.sealing_key.get_secret_value()))
    from shared.adapters.key_vault import KeyVaultKeys

    return EnvelopeSealer(KeyVaultKeys(_given(values.sealing_key_id), credential()))


def _list_key(values: Settings, purpose: str) -> bytes:
    """Give what keeps a cursor to its list and person; it guards nothing, since a list is read by its own person."""
    known = values.sealing_key.get_secret_value() if values.sealing_key else values.sealing_key_id
    return hashlib.sha256(f"{purpose}:{known}".encode()).digest()


def _watch(values: Settings, account: Any) -> Watch:
    from shared.adapters.cosmos.rights import CosmosRights
    from shared.adapters.cosmos.watch import CosmosAllowances, CosmosSecurityLog

    log = CosmosSecurityLog(account.items("security_events"), _list_key(values, "security"))
    allowances = CosmosAllowances(account.items("users"))
    rights = CosmosRights(account.items("users"))
    return Watch(allowances=allowances, security=log, rights=rights, limits=values.person_limits())


def _upstream(values: Settings) -> UpstreamProof:
    from shared.adapters.entra import EntraTokens
    from shared.adapters.upstream import IdentityProof, SignatureProof

    if values.upstream_proof == "signature":
        return SignatureProof(_given(values.web_pubsub).get_secret_value())
    # The service belongs to our own tenant, the first of the list, whoever else may sign in.
    tokens = EntraTokens(values.authority, values.tenants[:1], values.upstream_audiences, versions=("1.0", "2.0"))
    return IdentityProof(tokens, _given(values.upstream_principal))


def _channel(values: Settings) -> ClientChannel:
    from shared.adapters.web_pubsub import WebPubSubChannel

    if values.web_pubsub:
        return WebPubSubChannel.from_connection_string(values.web_pubsub.get_secret_value())
    return WebPubSubChannel.from_identity(_given(values.web_pubsub_endpoint), credential())


def _telemetry(values: Settings) -> Telemetry:
    from shared.adapters.telemetry.waiting import Recorder, WaitingTelemetry

    if values.insights is None:
        return Untold()
    insights = values.insights.get_secret_value()
    provider = "azure.ai.openai" if values.azure_openai_endpoint else "openai"

    def connect() -> Recorder:
        from shared.adapters.telemetry.azure_monitor import connect

        client_id = values.identity_client_id
        return connect(insights, provider=provider, version=values.app_version, client_id=client_id)

    return WaitingTelemetry(connect)


def _registry(values: Settings, account: Any, clock: Clock) -> ToolRegistry:
    from shared.adapters.cosmos.registry import CosmosRegistry
    from shared.adapters.registry_cache import CachedRegistry
    from shared.adapters.registry_file import FileRegistry

    stored = CosmosRegistry(account.items("registry"), loopback=values.mcp_loopback)
    file = FileRegistry(values.mcp_file, loopback=values.mcp_loopback)
    if values.mcp_source == "cosmos":
        return CachedRegistry(stored, stored, clock, fallback=file)
    # What is learnt of the servers is kept in the store, where every worker reads it.
    return CachedRegistry(file, stored, clock)


def _model(values: Settings) -> ChatModel:
    from shared.adapters.open_ai.choice import ModelChoice

    deployments = values.deployments()
    api_key: str | Callable[[], Awaitable[str]]
    if values.azure_openai_endpoint:
        base_url = f"{values.azure_openai_endpoint.rstrip('/')}/openai/v1/"
        key = values.azure_openai_api_key
        api_key = key.get_secret_value() if key else _model_token()
    else:
        base_url = _given(values.openai_base_url)
        api_key = values.openai_api_key.get_secret_value() if values.openai_api_key else "none"

    def build(flavour: Flavour) -> ChatModel:
        from shared.adapters.open_ai.client import OpenAiModel

        if flavour == "responses":
            from shared.adapters.open_ai.responses import RESPONSES as API
        else:
            from shared.adapters.open_ai.chat_completions import CHAT_COMPLETIONS as API
        silence_s = values.model_silence_s
        return OpenAiModel(API, base_url=base_url, api_key=api_key, deployments=deployments, silence_s=silence_s)

    return ModelChoice(deployments, build)


def _model_token() -> Callable[[], Awaitable[str]]:
    from azure.identity.aio import get_bearer_token_provider

    return get_bearer_token_provider(credential(), "https://cognitiveservices.azure.com/.default")


@lru_cache(maxsize=1)
def prompts() -> PromptStore:
    """Build the prompts' store, once: its copies serve all who need a prompt."""
    from shared.adapters.blob_prompts import BlobPrompts

    values = settings()
    fresh_s, container = values.prompts_fresh_s, values.prompts_container
    if values.prompts:
        return BlobPrompts.from_connection_string(values.prompts.get_secret_value(), container, fresh_s=fresh_s)
    return BlobPrompts.from_identity(_given(values.prompts_endpoint), credential(), container, fresh_s=fresh_s)


def _tools(values: Settings) -> ToolRunner:
    from shared.adapters.mcp_tools.client import McpTools
    from shared.adapters.on_behalf_of import OnBehalfOf

    secret = values.client_secret.get_secret_value() if values.client_secret else None
    exchange = OnBehalfOf(values.authority, values.client_id or "", secret or _assertion)

    async def tokens(server: ServerEntry, context: ToolContext, *, fresh: bool = False) -> str | None:
        if not server.auth_enabled or server.audience is None:
            return None
        if context.user_token is None:
            return await exchange.for_app(values.tenants[0], server.audience, fresh=fresh)
        return await exchange.for_user(UserId(context.user_id), context.user_token, server.audience, fresh=fresh)

    return McpTools(tokens, services().clock, loopback=values.mcp_loopback)


async def _assertion() -> str:
    """Vouch for our registration by the app's managed identity; it trusts no secret (infra/entra.bicep)."""
    return (await credential().get_token("api://AzureADTokenExchange/.default")).token


def _given(value: _T | None) -> _T:
    """Take a setting that `Settings` has proved to be there."""
    if value is None:
        raise ValueError("a setting that was validated is missing")
    return value
