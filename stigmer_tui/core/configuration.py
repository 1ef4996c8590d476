"""Settings. Flags override the environment, which overrides config.yaml, which overrides the defaults.

The keys under `backend` are those of an existing installation (`docs/compatibility.md` 161), so that one file
serves both; unknown keys are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from stigmer_tui.core import settings
from stigmer_tui.core.addresses import resolves_to_loopback
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.contexts import CLOUD, LOCAL, OUR_DAEMON, Context, find_context, parse_server
from stigmer_tui.core.errors import StigmerError, as_text
from stigmer_tui.core.local_notification import NotifyBy
from stigmer_tui.core.model_prices import Prices, configured_prices
from stigmer_tui.core.model_providers import find_provider
from stigmer_tui.core.paths import Home, absolute
from stigmer_tui.core.run_limits import NAMES, NONE, RunLimits, parse_limits
from stigmer_tui.core.settings import Setting

DEFAULT_ADDRESS = "127.0.0.1:50051"
DEFAULT_ORGANIZATION = "local"
SANDBOX = "sandbox"
EXECUTION_MODES = ("local", SANDBOX, "auto")
HIGHEST_TEMPERATURE = 1.0
SERVER_VARIABLE = settings.SERVER.variable


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model agents use. If `provider` is empty, it follows from the keys in the environment, or is `scripted`."""

    provider: str = ""
    model: str = ""
    base_url: str = ""
    script: Path | None = None
    """Script file for the scripted provider, used by agents without a script of their own."""


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """What models are asked for, where neither the agent nor its task says otherwise."""

    temperature: float | None = None
    max_tokens: int = 0
    """0 for what the provider allows."""


@dataclass(frozen=True, slots=True)
class Configuration:
    home: Home
    address: str = ""
    """host:port for the daemon to listen on; empty for the default."""
    listen: str = ""
    """host:port for other machines; empty for none."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    metrics: str = ""
    """host:port for `/metrics`; empty for none."""
    context: Context = OUR_DAEMON
    """The backend to use."""
    context_origin: str = ""
    """What chose it: a variable, or a place in config.yaml; empty for the default."""
    organization: str = DEFAULT_ORGANIZATION
    model: ModelSettings = field(default_factory=ModelSettings)
    answers: AnswerSettings = field(default_factory=AnswerSettings)
    requires_sandbox: bool = False
    """Whether commands of agents are refused where they cannot be confined."""
    sandbox_root: Path | None = None
    """One working folder for all agents, instead of one per session below the home folder."""
    approve: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    """Tools that wait for approval where neither the run nor its project names any."""
    release_url: str = ""
    """Where releases of the agent runner are fetched from; empty for nowhere."""
    limits: RunLimits = NONE
    """Of each run of an agent, where neither it nor its project says otherwise."""
    history_tokens: int = 0
    """Of the earlier messages of a conversation in a request; 0 for what the window of the model allows."""
    notify_by: NotifyBy = NotifyBy.AUTO
    """How the person at this machine hears that a run has ended."""
    prices: Prices = field(default_factory=dict)
    """Of models, in place of those that come with the program."""

    @property
    def server(self) -> str:
        """host:port of the server to use; empty for a daemon of ours."""
        return self.context.address


@dataclass(frozen=True, slots=True)
class SettingValue:
    """The value of a setting, and where it comes from."""

    setting: Setting
    text: str = ""
    """Empty for the default."""
    origin: str = "default"
    """An environment variable, a place in config.yaml, or `default`."""
    is_from_file: bool = False


def value_of(setting: Setting, environment: Mapping[str, str], file: ConfigurationFile) -> SettingValue:
    """Raises StigmerError, with file and line, for a value that is not plain text."""
    if text := as_text(environment.get(setting.variable, ""), setting.variable).strip():
        return SettingValue(setting, text, setting.variable)
    if setting.key and (text := file.text(setting.keys)):
        return SettingValue(setting, text, file.where(setting.keys), is_from_file=True)
    return SettingValue(setting)


def load_configuration(environment: Mapping[str, str]) -> Configuration:
    """Raises StigmerError, with file and line, for an invalid config.yaml."""
    home = Home.from_environment(environment)
    file = ConfigurationFile.read(home.configuration)
    context, origin = choose_context(environment, file)
    if context.home:
        home = Home(context.home)
        file = ConfigurationFile.read(home.configuration)
    configuration = replace(configuration_of(home, environment, file), context=context, context_origin=origin)
    if context.organization and not environment.get(settings.ORGANIZATION.variable, "").strip():
        return replace(configuration, organization=context.organization)
    return configuration


def configuration_of(home: Home, environment: Mapping[str, str], file: ConfigurationFile) -> Configuration:
    """Of one home, whose daemon is its context. Raises StigmerError, with file and line, for an invalid value."""

    def text(setting: Setting) -> str:
        return value_of(setting, environment, file).text

    provider = value_of(settings.PROVIDER, environment, file)
    filed_provider = file.text(settings.PROVIDER.keys)
    is_another = bool(filed_provider) and find_provider(provider.text) is not find_provider(filed_provider)

    def of_provider(setting: Setting) -> str:
        """Without the file's, which belong to the provider that stands there."""
        value = value_of(setting, environment, file)
        return "" if is_another and value.is_from_file else value.text

    def path(setting: Setting) -> Path | None:
        """Relative to the working folder; in config.yaml, relative to the folder of that file."""
        value = value_of(setting, environment, file)
        if not value.text:
            return None
        in_home = value.is_from_file and value.text[0] != "~"
        return absolute(str(home.root / value.text) if in_home else value.text)

    return Configuration(
        home=home,
        address=parse_address(text(settings.ADDRESS)),
        listen=parse_address(text(settings.LISTEN)),
        tls_certificate=path(settings.TLS_CERTIFICATE),
        tls_key=path(settings.TLS_KEY),
        metrics=_metrics_address(value_of(settings.METRICS, environment, file)),
        organization=text(settings.ORGANIZATION) or DEFAULT_ORGANIZATION,
        model=ModelSettings(
            provider=provider.text.lower(),
            model=of_provider(settings.MODEL),
            base_url=of_provider(settings.BASE_URL),
            script=path(settings.SCRIPT),
        ),
        answers=AnswerSettings(
            _temperature(value_of(settings.TEMPERATURE, environment, file)),
            _tokens(value_of(settings.MAX_TOKENS, environment, file)),
        ),
        requires_sandbox=_requires_sandbox(value_of(settings.EXECUTION_MODE, environment, file)),
        sandbox_root=path(settings.SANDBOX_ROOT),
        approve=_approval_policy(value_of(settings.APPROVE, environment, file)),
        release_url=text(settings.RELEASE_URL),
        limits=_limits(environment, file),
        history_tokens=_tokens(value_of(settings.HISTORY, environment, file)),
        notify_by=_notify_by(value_of(settings.NOTIFY, environment, file)),
        prices=configured_prices(file),
    )


def _approval_policy(value: SettingValue) -> ApprovalPolicy:
    return ApprovalPolicy.parse(value.text, f"approve ({value.origin})")


def _notify_by(value: SettingValue) -> NotifyBy:
    try:
        return NotifyBy(value.text.lower() or NotifyBy.AUTO)
    except ValueError:
        raise StigmerError(
            f"{value.origin}: nobody can be notified by {value.text}", f"Ways: {', '.join(NotifyBy)}"
        ) from None


def _metrics_address(value: SettingValue) -> str:
    address = parse_address(value.text)
    if address and not resolves_to_loopback(address):
        raise StigmerError(
            f"{value.origin}: metrics are served to this machine only, not at {address}",
            "Give an address such as 127.0.0.1:9464, and let Prometheus run here.",
        )
    return address


def _tokens(value: SettingValue) -> int:
    return parse_limits({"tokens": value.text}, f"{value.origin}: ").tokens if value.text else 0


def _temperature(value: SettingValue) -> float | None:
    if not value.text:
        return None
    try:
        temperature = float(value.text)
    except ValueError:
        temperature = -1.0
    if not 0 <= temperature <= HIGHEST_TEMPERATURE:
        raise StigmerError(f"{value.origin}: {value.text} is no temperature", "Expected a number from 0 to 1.")
    return temperature


def _requires_sandbox(value: SettingValue) -> bool:
    mode = value.text.lower()
    if mode not in ("", *EXECUTION_MODES):
        raise StigmerError(
            f"{value.origin}: there is no execution mode {value.text}", f"Modes: {', '.join(EXECUTION_MODES)}"
        )
    return mode == SANDBOX


def _limits(environment: Mapping[str, str], file: ConfigurationFile) -> RunLimits:
    limits = NONE
    for name, setting in zip(NAMES, settings.LIMITS, strict=True):
        value = value_of(setting, environment, file)
        if value.text:
            limits = parse_limits({name: value.text}, f"{value.origin}: ").over(limits)
    return limits


def choose_context(environment: Mapping[str, str], file: ConfigurationFile) -> tuple[Context, str]:
    """The backend to use, and what chose it, empty for the default. Raises StigmerError for an unknown one."""
    if text := as_text(environment.get(SERVER_VARIABLE, ""), SERVER_VARIABLE).strip():
        if "://" in text:
            address, tls = parse_server(text, SERVER_VARIABLE)
            return Context("", address, tls), SERVER_VARIABLE
        return Context("", parse_address(text)), SERVER_VARIABLE
    named, mode = value_of(settings.CONTEXT, environment, file), value_of(settings.MODE, environment, file)
    if mode.text and mode.text.lower() not in (LOCAL, CLOUD):
        if mode.is_from_file:
            raise StigmerError(f"{mode.origin}: there is no backend of type {mode.text}", "Types: local, cloud")
        mode = SettingValue(settings.MODE)
    is_by_mode = not named.text or (named.is_from_file and mode.text != "" and not mode.is_from_file)
    chosen = replace(mode, text=mode.text.lower()) if is_by_mode else named
    return find_context(chosen.text, chosen.origin, file), chosen.origin if chosen.text else ""


def parse_address(text: str) -> str:
    """Normalizes `host:port`, `:port` or a bare port to `host:port`. Port 0 means any free port; empty stays empty."""
    if not text:
        return ""
    host, _, port = text.rpartition(":")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise StigmerError(f"Not an address: {text}", "Expected host:port or a port, such as 127.0.0.1:50051 or 0.")
    return f"{host or '127.0.0.1'}:{int(port)}"
