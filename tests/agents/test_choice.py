"""Which model is used: what is asked for, configured, or there is a key for."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.agents.models.choice import SCRIPTED, ModelChoice, ModelChooser, model_id
from stigmer_tui.core import model_providers
from stigmer_tui.core.configuration import ModelSettings
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.stored_keys import StoredKey

NOTHING = ModelSettings()
ANTHROPIC_KEY = {"ANTHROPIC_API_KEY": "sk-a"}
OPENAI_KEY = {"OPENAI_API_KEY": "sk-o"}
COMMON_KEY = {"STIGMER_LLM_API_KEY": "sk-s"}
OLLAMA = ModelSettings(provider="ollama")
GATEWAY = ModelSettings(provider="openai", base_url="http://gateway/v1")


def chooser(settings: ModelSettings = NOTHING, environment: dict[str, str] | None = None) -> ModelChooser:
    return ModelChooser(settings, environment or {}, Path("/home/me/.stigmer/config.yaml"))


def chosen(
    settings: ModelSettings = NOTHING,
    environment: dict[str, str] | None = None,
    asked: str = "",
    has_script: bool = False,
) -> tuple[str, str, str, str]:
    choice = chooser(settings, environment).choose(asked, has_script)
    return str(choice), choice.base_url, choice.key, choice.key_variable


def problem(settings: ModelSettings = NOTHING, environment: dict[str, str] | None = None, asked: str = "") -> str:
    with pytest.raises(StigmerError) as caught:
        chooser(settings, environment).choose(asked)
    return caught.value.message


def test_a_key_decides_when_nothing_is_configured() -> None:
    assert chosen(NOTHING, ANTHROPIC_KEY) == ("anthropic claude-sonnet-5-5", "", "sk-a", "ANTHROPIC_API_KEY")
    assert chosen(NOTHING, OPENAI_KEY) == ("openai gpt-6-luna", "", "sk-o", "OPENAI_API_KEY")
    assert chosen(NOTHING, OPENAI_KEY | ANTHROPIC_KEY)[0] == "anthropic claude-sonnet-5-5"


def test_what_is_configured_wins_over_keys() -> None:
    settings = ModelSettings(provider="openai", model="gpt-4o")
    assert chosen(settings, OPENAI_KEY | ANTHROPIC_KEY)[0] == "openai gpt-4o"
    assert chosen(OLLAMA, ANTHROPIC_KEY) == ("ollama qwen2.5-coder:7b", "http://localhost:11434/v1", "", "")


def test_the_common_key_is_for_the_configured_provider() -> None:
    settings = ModelSettings(provider="anthropic")
    assert chosen(settings, COMMON_KEY | ANTHROPIC_KEY)[2:] == ("sk-s", "STIGMER_LLM_API_KEY")
    assert chosen(settings, COMMON_KEY | OPENAI_KEY, "gpt-4o")[2:] == ("sk-o", "OPENAI_API_KEY")
    assert chosen(NOTHING, COMMON_KEY, "gpt-4o")[2:] == ("sk-s", "STIGMER_LLM_API_KEY")


@pytest.mark.parametrize("base_url", ["http://box:11434", "http://box:11434/", "http://box:11434/v1"])
def test_ollama_is_spoken_to_below_v1(base_url: str) -> None:
    assert chosen(ModelSettings(provider="ollama", base_url=base_url))[1] == "http://box:11434/v1"
    assert chosen(OLLAMA, {"OLLAMA_BASE_URL": base_url})[1] == "http://box:11434/v1"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("claude-sonnet-4.5", "anthropic claude-sonnet-4-5"),
        ("Claude-Opus-4-8", "anthropic claude-opus-4-8"),
        ("gpt-4o", "openai gpt-4o"),
        ("o3-mini", "openai o3-mini"),
        ("gpt-oss:20b", "ollama gpt-oss:20b"),
        ("olmo2", "ollama olmo2"),
        ("llama3.2", "ollama llama3.2"),
        ("", "ollama qwen2.5-coder:7b"),
    ],
)
def test_the_name_of_a_model_tells_its_provider(asked: str, expected: str) -> None:
    assert chosen(OLLAMA, ANTHROPIC_KEY | OPENAI_KEY, asked)[0] == expected


def test_a_gateway_serves_the_models_of_others_unless_there_is_a_key_of_their_own() -> None:
    assert chosen(GATEWAY, {}, "claude-opus-4-8") == ("openai claude-opus-4-8", "http://gateway/v1", "", "")
    assert chosen(GATEWAY, ANTHROPIC_KEY, "claude-opus-4-8")[:2] == ("anthropic claude-opus-4-8", "")


def test_a_model_can_be_configured_without_its_provider() -> None:
    settings = ModelSettings(model="gpt-4o")
    assert chosen(settings, ANTHROPIC_KEY | OPENAI_KEY)[0] == "openai gpt-4o"
    assert chosen(settings, ANTHROPIC_KEY | OPENAI_KEY, "claude-opus-4-8")[0] == "anthropic claude-opus-4-8"


def test_a_script_is_played_where_there_is_neither_provider_nor_key() -> None:
    assert chooser().choose(has_script=True) is SCRIPTED
    assert chooser().choose("claude-opus-4-8", has_script=True) is SCRIPTED
    assert chooser(NOTHING, ANTHROPIC_KEY).choose(has_script=True).provider is model_providers.ANTHROPIC
    assert chooser(OLLAMA).choose(has_script=True).provider is model_providers.OLLAMA
    assert chooser(ModelSettings(script=Path("a.yaml"))).choose() is SCRIPTED
    assert chooser(ModelSettings(provider="scripted"), ANTHROPIC_KEY).choose("gpt-4o") is SCRIPTED


def test_what_is_missing_is_named() -> None:
    assert problem() == (
        "No model: set ANTHROPIC_API_KEY or OPENAI_API_KEY where you open the app or use `run`, which"
        " hand it to the daemon,"
        " or choose a provider: stigmer-tui provider use NAME"
    )
    assert problem(ModelSettings(provider="anthropic")) == (
        "No key for anthropic, which claude-sonnet-5-5 needs: set ANTHROPIC_API_KEY"
        " where you open the app or use `run`, which"
        " hand it to the daemon, or store it: stigmer-tui secrets set anthropic"
    )
    assert problem(OLLAMA, asked="gpt-4o") == (
        "No key for openai, which gpt-4o needs: set OPENAI_API_KEY where you open the app or use `run`, which"
        " hand it to the daemon, or store it: stigmer-tui secrets set openai"
    )
    assert problem(ModelSettings(provider="clod")) == (
        "Unknown model provider clod: choose one of anthropic, openai, ollama, scripted"
    )


def test_a_runner_describes_its_model() -> None:
    assert chooser(NOTHING, ANTHROPIC_KEY).describe() == "anthropic claude-sonnet-5-5"
    assert chooser(ModelSettings(provider="ollama", model="llama3.2")).describe() == "ollama llama3.2"
    assert chooser().describe() == "scripted (demo)"
    assert chooser(ModelSettings(provider="anthropic")).describe() == "none"


def test_a_key_is_not_shown() -> None:
    assert "sk-a" not in repr(ModelChoice(model_providers.ANTHROPIC, "claude", key="sk-a"))


def test_names_that_people_use_are_ids() -> None:
    assert [model_id(name) for name in ("claude-sonnet-4.5", " gpt-4.1 ", "qwen2.5-coder:7b")] == [
        *("claude-sonnet-4-5", "gpt-4.1", "qwen2.5-coder:7b")
    ]


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://x", "http://", "http://[::1", "http://127.0.0.1:²", "http://h:99999"]
)
def test_a_base_url_that_is_no_address_is_named(url: str) -> None:
    """Point 45."""
    settings = ModelSettings(provider="openai", base_url=url)
    with pytest.raises(StigmerError, match=r"STIGMER_LLM_BASE_URL, or base_url in .* is not a URL"):
        ModelChooser(settings, {}, Path("config.yaml")).choose()
    with pytest.raises(StigmerError, match="OLLAMA_BASE_URL is not a URL") as refusal:
        ModelChooser(ModelSettings(provider="ollama"), {"OLLAMA_BASE_URL": f"{url}@bob:pw"}, Path("x")).choose()
    assert refusal.value.advice


def stored(settings: ModelSettings, *keys: StoredKey, environment: dict[str, str] | None = None) -> ModelChoice:
    return ModelChooser(settings, environment or {}, Path("config.yaml"), keys).choose()


def test_a_stored_key_is_used_where_no_variable_has_one() -> None:
    key = StoredKey("ANTHROPIC_API_KEY", "")
    assert stored(NOTHING, key).stored == key
    assert stored(NOTHING, key).provider is model_providers.ANTHROPIC
    chosen = stored(NOTHING, key, environment=ANTHROPIC_KEY)
    assert (chosen.key, chosen.stored) == ("sk-a", None)


def test_a_stored_key_goes_to_no_other_address() -> None:
    own, router = StoredKey("OPENAI_API_KEY", ""), StoredKey("OPENAI_API_KEY", "http://gateway/v1")
    assert stored(GATEWAY, own).stored is None
    assert stored(GATEWAY, own, router).stored == router
    assert stored(ModelSettings(provider="openai"), own, router).stored == own
    with pytest.raises(StigmerError, match="No key for openai"):
        stored(ModelSettings(provider="openai"), router)
    with pytest.raises(StigmerError, match="No model"):
        stored(NOTHING, router)
    assert stored(NOTHING, router, environment={"OPENAI_BASE_URL": "http://gateway/v1/"}).stored == router
