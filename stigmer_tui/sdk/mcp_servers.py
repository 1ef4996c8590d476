"""MCP servers: programs, addresses and images whose tools an agent can use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from stigmer_tui.sdk.errors import DefinitionError, calling_line
from stigmer_tui.sdk.registry import (
    VARIABLE_NAME,
    DockerSettings,
    HttpSettings,
    ServerDefinition,
    StdioSettings,
    variables_in,
)
from stigmer_tui.sdk.values import Text, literal_number, resource_name, text_value, text_values

Texts = Mapping[str, Text]

MAX_TIME_LIMIT = 300
MAX_PORT = 65535

_VARIABLE = re.compile(rf"\$\{{\.(?:secrets|env_vars)\.({VARIABLE_NAME.pattern})\}}")


class McpServer:
    """A server of tools, by the Model Context Protocol. It is started for each run of an agent, and ends with it.

        notes = McpServer.stdio("notes", "npx", "-y", "@modelcontextprotocol/server-memory")
        search = McpServer.http(
            "search", "https://search.example/mcp", headers={"Authorization": f"Bearer {secret('SEARCH_TOKEN')}"}
        )
        Agent("clerk", instructions="Answer from the notes.", mcp_servers=[notes, search])

    Texts may hold `secret` and `env`; the agent then asks for these variables when a run starts. `enabled_tools` are
    the only ones that the agent gets; without it, it gets all. `stigmer-tui mcp check` prints what there is.
    """

    def __init__(self, definition: ServerDefinition) -> None:
        """For `stdio`, `http` and `docker`, which make servers."""
        self.definition = definition

    def __repr__(self) -> str:
        return f"<MCP server {self.definition.name}>"

    @classmethod
    def stdio(
        cls,
        name: str,
        command: Text,
        *arguments: Text,
        env: Texts | None = None,
        working_dir: str | Path = "",
        enabled_tools: Iterable[str] = (),
    ) -> McpServer:
        """A program that is started on the machine where agents run, and speaks over its input and output.

            McpServer.stdio("shop", "python3", "shop_server.py", working_dir=".", env={"TOKEN": secret("SHOP_TOKEN")})

        It gets the variables in `env` and few others. `working_dir` is relative to the file that names it; without
        one, the program starts in the working folder of the agent.
        """
        folder = str((Path(calling_line().file).parent / working_dir).resolve()) if working_dir != "" else ""
        texts = _Texts()
        settings = StdioSettings(
            texts.take(command, "command"),
            tuple(texts.take(argument, "An argument") for argument in arguments),
            texts.take_all(env, "env"),
            folder,
        )
        return cls(_definition(name, settings, enabled_tools, texts))

    @classmethod
    def http(
        cls,
        name: str,
        url: Text,
        *,
        headers: Texts | None = None,
        params: Texts | None = None,
        timeout: int = 30,
        enabled_tools: Iterable[str] = (),
    ) -> McpServer:
        """A server at an address, over streamable HTTP, or SSE where it speaks only that.

            McpServer.http("tickets", "https://tickets.example/mcp", params={"team": env("TEAM")}, timeout=60)

        `params` are added to the URL. `timeout` is in seconds, for its start and for each call.
        """
        texts = _Texts()
        settings = HttpSettings(
            texts.take(url, "url"),
            texts.take_all(headers, "headers"),
            texts.take_all(params, "params"),
            literal_number(timeout, "timeout", 1, MAX_TIME_LIMIT),
        )
        return cls(_definition(name, settings, enabled_tools, texts))

    @classmethod
    def docker(
        cls,
        name: str,
        image: Text,
        *arguments: Text,
        env: Texts | None = None,
        volumes: Mapping[str, str] | None = None,
        ports: Mapping[int, int | str] | None = None,
        network: str = "",
        container_name: str = "",
        enabled_tools: Iterable[str] = (),
    ) -> McpServer:
        """An image that Docker runs on the machine where agents run.

            McpServer.docker("fetch", "mcp/fetch", volumes={"/srv/pages": "/pages:ro"}, ports={8080: 80})

        `volumes` are paths on the machine and in the container, with `:ro` for those that are only read. `ports` are
        ports on the machine and in the container, these with a protocol where they need one: `{53: "53/udp"}`.
        `network` is `bridge` where it is left out.
        """
        texts = _Texts()
        settings = DockerSettings(
            texts.take(image, "image"),
            tuple(texts.take(argument, "An argument") for argument in arguments),
            texts.take_all(env, "env"),
            tuple(
                (texts.take(host, "volumes"), texts.take(inside, "volumes").removesuffix(":ro"), inside.endswith(":ro"))
                for host, inside in (volumes or {}).items()
            ),
            tuple(
                (literal_number(host, "A port", 1, MAX_PORT), *_port(inside)) for host, inside in (ports or {}).items()
            ),
            texts.take(network, "network"),
            texts.take(container_name, "container_name"),
        )
        return cls(_definition(name, settings, enabled_tools, texts))


def _definition(
    name: str,
    settings: StdioSettings | HttpSettings | DockerSettings,
    enabled_tools: Iterable[str],
    texts: _Texts,
) -> ServerDefinition:
    if isinstance(enabled_tools, str):
        raise DefinitionError("enabled_tools is a text", f'Write a list of names: ["{enabled_tools}"].')
    return ServerDefinition(resource_name(name, "an MCP server"), settings, tuple(enabled_tools), texts.variables)


def _port(inside: int | str) -> tuple[int, str]:
    """The port in the container, and its protocol."""
    number, _, protocol = inside.partition("/") if isinstance(inside, str) else (inside, "", "")
    if protocol not in ("", "tcp", "udp", "sctp") or not str(number).isdigit():
        raise DefinitionError(f"A port is {inside!r}", 'It is a number, or a number with a protocol: "53/udp".')
    return literal_number(int(number), "A port", 1, MAX_PORT), protocol


class _Texts:
    """Texts of one server, in the form of its definition: `${NAME}` for a variable. Notes which they use."""

    def __init__(self) -> None:
        self._variables: dict[str, None] = {}

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(self._variables)

    def take(self, value: object, what: str) -> str:
        text = text_value(value, what)
        self._variables.update((name, None) for name, _ in variables_in(text))
        text = _VARIABLE.sub(r"${\1}", text)
        if "${ " in text:
            raise DefinitionError(
                f"{what} holds a reference", "A server is started before anything is known but variables: secret, env."
            )
        return text

    def take_all(self, values: Texts | None, what: str) -> dict[str, str]:
        return {name: self.take(text, f"{what}[{name!r}]") for name, text in text_values(values or {}, what).items()}
