"""config.yaml, Stigmer.yaml, variables of the environment, variables of runs, secrets."""

from __future__ import annotations

import pytest

from stigmer_tui.core import settings
from stigmer_tui.core.settings import SETTINGS, Setting
from stigmer_tui.project.project_keys import KEYS
from tests.malformed.refusals import NO_SERVER, Shell

FILES = {
    "no YAML": b"server: [1, 2",
    "a tab": b"server:\n\taddress: 1",
    "a list": b"- server",
    "a text": b"server",
    "not UTF-8": b"organization: \xff\xfe",
    "a control character": b"organization: \x07",
    "a key twice": b"organization: a\norganization: b",
    "an unknown anchor": b"organization: *nobody",
    "a bomb": b"a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\norganization: [*b,*b,*b,*b,*b,*b]",
}

WRONG_KINDS = ("[1, 2]", "{a: 1}")

IN_FILE = [setting for setting in SETTINGS if setting.key and setting is not settings.CONTEXT]

VALUES: dict[Setting, tuple[str, ...]] = {
    settings.ADDRESS: ("nowhere", "127.0.0.1:99999", "127.0.0.1:x", ":", "1e3"),
    settings.LISTEN: ("nowhere", "0.0.0.0:70000", "x:y"),
    settings.METRICS: ("nowhere", "127.0.0.1:99999", "0.0.0.0:9464", "203.0.113.7:9464"),
    settings.CONTEXT: ("nobody", "a b", "../x"),
    settings.APPROVE: ("a b", "*"),
    settings.LIMIT_STEPS: ("many", "-1", "1.5", "0x10", "1e99"),
    settings.LIMIT_TIME: ("soon", "-5m", "5 parsecs", "nan", "inf"),
    settings.LIMIT_TOKENS: ("much", "-2k", "1.5.2k"),
    settings.LIMIT_COST: ("free", "-1", "nan", "1,5"),
    settings.TEMPERATURE: ("warm", "-1", "1.1", "nan"),
    settings.MAX_TOKENS: ("many", "-4k"),
    settings.EXECUTION_MODE: ("docker", "sandbox!"),
    settings.HISTORY: ("long", "-50k"),
}


def with_values() -> list[tuple[Setting, str]]:
    return [(setting, value) for setting, values in VALUES.items() for value in values]


def named(case: object) -> str:
    return case.variable if isinstance(case, Setting) else repr(case)


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_configuration_that_cannot_be_read(content: bytes, shell: Shell) -> None:
    (shell.home / "config.yaml").write_bytes(content)
    assert "config.yaml" in shell.refuses("config", "list")


@pytest.mark.parametrize("value", WRONG_KINDS)
@pytest.mark.parametrize("setting", IN_FILE, ids=named)
def test_a_key_of_the_configuration_with_a_value_of_the_wrong_kind(setting: Setting, value: str, shell: Shell) -> None:
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(setting.keys)]
    (shell.home / "config.yaml").write_text("\n".join(lines) + f" {value}\n", encoding="utf-8")
    assert "config.yaml:" in shell.refuses("config", "list")


@pytest.mark.parametrize(("setting", "value"), with_values(), ids=named)
def test_a_variable_of_the_environment(setting: Setting, value: str, shell: Shell) -> None:
    if setting is settings.CONTEXT:
        shell.monkeypatch.delenv("STIGMER_SERVER_ADDR")
    shell.monkeypatch.setenv(setting.variable, value)
    assert NO_SERVER not in shell.refuses("list"), "it got as far as the server"


@pytest.mark.parametrize("setting", [one for one in SETTINGS if one.key and one is not settings.MODE], ids=named)
def test_a_variable_that_is_no_text(setting: Setting, shell: Shell) -> None:
    if setting is settings.CONTEXT:
        shell.monkeypatch.delenv("STIGMER_SERVER_ADDR")
    shell.monkeypatch.setenv(setting.variable, "\udcff")
    assert setting.variable in shell.refuses("list")


@pytest.mark.parametrize(("setting", "value"), [case for case in with_values() if case[0].key], ids=named)
def test_a_value_that_is_to_be_set(setting: Setting, value: str, shell: Shell) -> None:
    shell.refuses("config", "set", setting.key, value)
    assert not (shell.home / "config.yaml").exists(), "what is refused is not written"


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
@pytest.mark.parametrize("command", ["apply", "run"])
def test_a_project_file_that_cannot_be_read(content: bytes, command: str, shell: Shell) -> None:
    (shell.folder / "Stigmer.yaml").write_bytes(content)
    assert "Stigmer.yaml" in shell.refuses(command)


@pytest.mark.parametrize("value", ["[[1]]", "{a: {b: 1}}", "12.5", "~"])
@pytest.mark.parametrize("key", [key.name for key in KEYS if key.name not in ("version", "description")])
def test_a_key_of_the_project_with_a_value_of_the_wrong_kind(key: str, value: str, shell: Shell) -> None:
    rest = {"name": "shop", "runtime": "python", "main": "main.py"}
    lines = [f"{name}: {text}" for name, text in rest.items() if name != key]
    (shell.folder / "Stigmer.yaml").write_text("\n".join([*lines, f"{key}: {value}"]), encoding="utf-8")
    shell.refuses("apply")


@pytest.mark.parametrize(
    "variable", ["NAME", "=value", "1A=x", "A B=x", "A-B=x", "secret:", "secret:=x", "secret:1=x", "ä=x", ""]
)
def test_a_variable_of_a_run(variable: str, shell: Shell) -> None:
    shell.refuses("run", "x", "--runtime-env", variable)


@pytest.mark.parametrize(
    "limit", ["cost", "cost=", "=5", "cost=x", "steps=1.5", "steps=-1", "time=5y", "weight=3", "tokens=k"]
)
def test_a_limit_of_a_run(limit: str, shell: Shell) -> None:
    shell.refuses("run", "x", "--limit", limit)


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", "nobody"),
        ("set", ""),
        ("set", "../x"),
        ("set", "ollama"),
        ("set", "scripted"),
        ("set", "anthropic"),
        ("delete", "nobody"),
        ("delete", ""),
        ("unlock",),
    ],
    ids=" ".join,
)
def test_secrets(arguments: tuple[str, ...], shell: Shell) -> None:
    """Standard input is empty: there is no key in it, and nobody to ask."""
    shell.monkeypatch.delenv("STIGMER_SERVER_ADDR")
    shell.refuses("secrets", *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", "local"),
        ("set", "a b", "--server", "x:1"),
        ("set", "x", "--server", "nowhere"),
        ("set", "x", "--server", "ftp://x:1"),
        ("set", "x", "--server", "x:99999"),
        ("set", "x", "--server", "x:1", "--home", "/tmp/x"),
        ("set", "x", "--server", "x:1", "--ca", "/does/not/exist"),
        ("set", "x", "--server", "x:1", "--token-variable", "a b"),
        ("set", "x"),
        ("use", "nobody"),
        ("delete", "nobody"),
        ("delete", "local"),
        ("show", "nobody"),
    ],
    ids=" ".join,
)
def test_contexts(arguments: tuple[str, ...], shell: Shell) -> None:
    shell.refuses("context", *arguments)
