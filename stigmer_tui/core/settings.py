"""Every setting that a person can make: configuration is read by this table, and its reference is made from it."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    variable: str
    """In the environment."""
    help: str
    """A sentence or two, in Markdown."""
    key: str = ""
    """In config.yaml, with dots between levels; empty for what only the environment says."""
    default: str = ""
    """What is used when nobody says anything, in Markdown; empty for nothing."""
    is_secret: bool = False
    """Whether its value must not be shown."""

    needs_restart: bool = True
    """Whether a running daemon uses a new value only after a restart."""

    @property
    def name(self) -> str:
        """By which a person names it: its key, or the variable where it has no key."""
        return self.key or self.variable

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.key.split("."))


HOME = Setting(
    "STIGMER_HOME",
    "Where everything is kept. Another folder is another, isolated instance.",
    default="`~/.stigmer`",
)
ADDRESS = Setting(
    "STIGMER_ADDRESS",
    "Where the daemon listens; port 0 is any free one.",
    key="server.address",
    default="`127.0.0.1:50051`",
)
LISTEN = Setting(
    "STIGMER_LISTEN",
    "host:port at which other machines reach the daemon, by TLS and with its token.",
    key="server.listen",
)
TLS_CERTIFICATE = Setting(
    "STIGMER_TLS_CERT", "The certificate for it, as PEM; read again when it was renewed.", key="server.tls_cert"
)
TLS_KEY = Setting("STIGMER_TLS_KEY", "The key of that certificate.", key="server.tls_key")
SERVER = Setting("STIGMER_SERVER_ADDR", "An existing server to use instead of the daemon.")
CONTEXT = Setting(
    "STIGMER_CONTEXT",
    "The backend to use, by its name in `stigmer-tui context list`.",
    key="current_context",
    default="`local`, the daemon",
    needs_restart=False,
)
MODE = Setting(
    "MODE",
    "`local` is the daemon, `cloud` the backend of `backend.cloud`; any other value of the variable is another"
    " program's, and ignored.",
    key="backend.type",
    default="`local`",
    needs_restart=False,
)
ORGANIZATION = Setting("STIGMER_ORG", "The organization.", key="organization", default="`local`", needs_restart=False)
PROVIDER = Setting(
    "STIGMER_LLM_PROVIDER",
    "The provider of models: one of those [below](#model-providers), or `scripted`.",
    key="backend.local.llm.provider",
    default="what there is a key for",
    needs_restart=False,
)
MODEL = Setting(
    "STIGMER_LLM_MODEL",
    "The model, where an agent asks for none.",
    key="backend.local.llm.model",
    default="the provider's",
    needs_restart=False,
)
BASE_URL = Setting(
    "STIGMER_LLM_BASE_URL",
    "Where the configured provider is. For `openai`, anything that speaks its chat completions.",
    key="backend.local.llm.base_url",
    default="the provider's",
    needs_restart=False,
)
SCRIPT = Setting(
    "STIGMER_LLM_SCRIPT",
    "A [script](script.md) for agents that carry none.",
    key="backend.local.llm.script",
    needs_restart=False,
)
API_KEY = Setting(
    "STIGMER_LLM_API_KEY", "The key of the configured provider.", default="the provider's variable", is_secret=True
)
TEMPERATURE = Setting(
    "STIGMER_LLM_TEMPERATURE",
    "The temperature of models, where neither the agent nor its task names one: 0 to 1.",
    key="backend.local.llm.temperature",
    default="the provider's",
)
MAX_TOKENS = Setting(
    "STIGMER_LLM_MAX_TOKENS",
    "Tokens that one answer of a model may have: `4k`.",
    key="backend.local.llm.max_tokens",
    default="the provider's",
)
EXECUTION_MODE = Setting(
    "STIGMER_EXECUTION_MODE",
    "`sandbox` runs the commands of agents by bubblewrap only, and refuses them where it does not work; `auto` and"
    " `local` confine them where they can.",
    key="backend.local.execution.mode",
    default="`auto`",
)
SANDBOX_ROOT = Setting(
    "SANDBOX_ROOT_DIR",
    "One folder for all agents.",
    key="backend.local.execution.sandbox_root",
    default="a folder for each session",
)
APPROVE = Setting(
    "STIGMER_APPROVE",
    "Tools of agents that wait for a person's approval, where neither the run nor its project names any: names with"
    " commas between them, or `all`.",
    key="approve",
    default="none",
)
RELEASE_URL = Setting(
    "STIGMER_RELEASE_URL",
    "Where the agent runner of a release is fetched from at the start of the daemon: the address of the folder with "
    "`agent-runner-vVERSION-OS-ARCH` and its `.sha256`; `{version}` in it stands for `vVERSION`.",
    key="release_url",
    default="nothing is fetched",
)
LIMIT_STEPS = Setting(
    "STIGMER_LIMIT_STEPS", "Requests to models in one run of an agent.", key="limits.steps", default="`100`"
)
LIMIT_TIME = Setting(
    "STIGMER_LIMIT_TIME", "How long one run of an agent may take: `90s`, `5m`.", key="limits.time", default="none"
)
LIMIT_TOKENS = Setting(
    "STIGMER_LIMIT_TOKENS",
    "Tokens of one run of an agent, input and output: `200k`.",
    key="limits.tokens",
    default="none",
)
LIMIT_COST = Setting(
    "STIGMER_LIMIT_COST",
    "US dollars of one run of an agent, where the price is known: `0.50`.",
    key="limits.cost",
    default="none",
)
LIMITS = (LIMIT_STEPS, LIMIT_TIME, LIMIT_TOKENS, LIMIT_COST)
"""In the order of the fields of `RunLimits`."""
HISTORY = Setting(
    "STIGMER_HISTORY_TOKENS",
    "Tokens, by estimate, that the earlier messages of a conversation may take in a request of an agent: `50k`. Beyond,"
    " a summary takes the place of the older ones; within a run, beyond a third more.",
    key="history_tokens",
    default="60 % of the model's context window; `50k` where that is not known",
)
OTLP_ENDPOINT = Setting(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "Address of a collector of yours: traces of executions go there by OTLP over HTTP, with the extra `[otel]`.",
    default="nothing is sent",
)
OTLP_CONTENT = Setting(
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
    "`true` puts prompts, arguments, outputs and errors into these traces too; secrets stay redacted.",
    default="`false`",
)
METRICS = Setting(
    "STIGMER_METRICS",
    "host:port at which the daemon serves `/metrics` for a Prometheus on this machine, to the holder of its token.",
    key="server.metrics",
    default="nothing is served",
)
NOTIFY = Setting(
    "STIGMER_NOTIFY",
    "How you hear at this machine that a run of a task has ended, or in the app a long run while you look elsewhere:"
    " `desktop`, or by your terminal `osc9`, `osc777` or `bell`; `off` for not at all. `auto` is the desktop and, where"
    " there is none, a terminal that is known to show notifications; through tmux with `allow-passthrough on`.",
    key="notify",
    default="`auto`",
    needs_restart=False,
)
SYNTHESIS_TIMEOUT = Setting("STIGMER_SYNTHESIS_TIMEOUT", "Seconds that the code of a project may take.", default="60")
THEME = Setting(
    "STIGMER_THEME",
    "`stigmer-dark`, `stigmer-light` or one of the palette's. `NO_COLOR` is honoured.",
    default="by the terminal",
)

SETTINGS = (
    HOME,
    ADDRESS,
    LISTEN,
    TLS_CERTIFICATE,
    TLS_KEY,
    SERVER,
    CONTEXT,
    MODE,
    ORGANIZATION,
    PROVIDER,
    MODEL,
    BASE_URL,
    SCRIPT,
    API_KEY,
    TEMPERATURE,
    MAX_TOKENS,
    EXECUTION_MODE,
    SANDBOX_ROOT,
    APPROVE,
    RELEASE_URL,
    LIMIT_STEPS,
    LIMIT_TIME,
    LIMIT_TOKENS,
    LIMIT_COST,
    HISTORY,
    OTLP_ENDPOINT,
    OTLP_CONTENT,
    METRICS,
    NOTIFY,
    SYNTHESIS_TIMEOUT,
    THEME,
)


def choose_context(environment: MutableMapping[str, str], name: str) -> None:
    """The flag, which overrides what the environment says of the backend."""
    environment[CONTEXT.variable] = name
    environment.pop(SERVER.variable, None)
