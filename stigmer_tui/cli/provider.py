"""The commands of `provider`: which there are, which is used, and whether it answers."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum

import click

from stigmer_tui.agents.models.choice import ModelChoice, ModelChooser, model_id
from stigmer_tui.agents.models.current import with_key
from stigmer_tui.cli.model_setup import ModelSetup, inform_daemon, provider_named
from stigmer_tui.cli.pull_bar import PullBar, PulledSize
from stigmer_tui.cli.secrets import read_passphrase
from stigmer_tui.core import settings
from stigmer_tui.core.configuration import value_of
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import without_credentials
from stigmer_tui.core.model_providers import OLLAMA, PROVIDERS, SCRIPTED, ModelProvider
from stigmer_tui.core.private_files import make_private_folders, write_private
from stigmer_tui.core.stored_keys import KeyPlace
from stigmer_tui.workbench import model_providers


class Readiness(StrEnum):
    READY = "ready"
    NO_KEY = model_providers.NO_KEY
    NO_ANSWER = "does not answer"
    NO_MODEL = model_providers.NO_MODEL


@dataclass(frozen=True, slots=True)
class ProviderState:
    provider: ModelProvider
    is_used: bool
    model: str
    address: str
    readiness: Readiness
    detail: str = ""
    """Where its key is, or what to do."""

    def data(self) -> dict[str, object]:
        return {
            "provider": self.provider.name,
            "used": self.is_used,
            "model": self.model,
            "address": without_credentials(self.address),
            "state": self.readiness,
            "detail": self.detail,
            "key_variable": self.provider.key_variable,
        }


def pull_model(model: str, as_json: bool) -> int:
    """Lets Ollama get a model, with a progress bar on a terminal, else a line for each step."""
    from stigmer_tui.agents.models.ollama import Ollama

    chooser = ModelSetup.of_this_process().chooser()
    ollama = Ollama(chooser.alone(OLLAMA).address(OLLAMA))
    is_terminal = sys.stderr.isatty()
    # Past the filter of our output, which lets no line be drawn again.
    bar = PullBar((sys.__stderr__ if is_terminal else None) or sys.stderr, is_terminal)

    size = PulledSize()

    async def pull() -> None:
        async with aclosing(ollama.pull(model)) as steps:
            async for step in steps:
                if as_json:
                    done, whole = size.after(step.layer, step.completed, step.total)
                    click.echo(json.dumps({"status": step.status, "done": done, "total": whole}, ensure_ascii=False))
                else:
                    bar.show(step.status, step.layer, step.completed, step.total)

    try:
        asyncio.run(pull())
    finally:
        bar.close()
    if not as_json:
        click.echo(f"✓ Ollama has {model}; use it: stigmer-tui provider use ollama --model {model}")
    return 0


def list_providers(as_json: bool) -> int:
    setup = ModelSetup.of_this_process()
    for state in _states(setup.chooser()):
        click.echo(json.dumps(state.data(), ensure_ascii=False) if as_json else _line(state))
    return 0


def use_provider(name: str, model: str, base_url: str) -> int:
    """Writes config.yaml. What belonged to another provider is removed from there."""
    setup = ModelSetup.of_this_process()
    provider = provider_named(name)
    if base_url and not provider.address:
        raise StigmerError(f"{provider.name} has no address, so --base-url means nothing to it")
    file = ConfigurationFile.read(setup.home.configuration)
    edited = file.edited(settings.PROVIDER.keys, name.lower())
    edited = edited.edited(settings.MODEL.keys, model.strip() or None)
    edited = edited.edited(settings.BASE_URL.keys, base_url.strip() or None)
    # Looked at without the environment, which would hide a mistake in the file.
    written = ModelSetup(setup.home, {}, setup.keys).models().chooser_of(edited)
    address = written.address(provider)
    make_private_folders([setup.home.root])
    write_private(setup.home.configuration, edited.content)
    used = model.strip() or provider.default_model
    click.echo(f"✓ Agents use {name.lower()}{f' {used}' if provider.address else ''}{_at(address, provider)}")
    is_informed = inform_daemon(setup.home, {})
    for hint in _hints(setup, provider, is_informed):
        click.echo(f"  {hint}")
    return 0


def test_provider(name: str, as_json: bool) -> int:
    """Asks the model one short question. Returns 1 when it does not answer."""
    setup = ModelSetup.of_this_process()
    chooser = setup.chooser()
    try:
        choice = chooser.alone(provider_named(name)).choose() if name else chooser.choose(has_script=True)
        problem = "" if choice.is_scripted else asyncio.run(_try(choice, setup))
        told = str(choice)
    except StigmerError as error:
        told, problem = name or "model", str(error)
    if as_json:
        click.echo(json.dumps({"model": told, "works": not problem, "problem": problem}, ensure_ascii=False))
    elif problem:
        raise StigmerError(problem)
    else:
        click.echo(f"✓ {told} plays scripts, and asks no model" if choice.is_scripted else f"✓ {told} answers")
    return 1 if problem else 0


async def _try(choice: ModelChoice, setup: ModelSetup) -> str:
    if choice.stored and choice.stored.place is KeyPlace.FILE:
        key = setup.keys.unlock(choice.stored, read_passphrase(f"Passphrase of {choice.stored.variable}"))
        choice = replace(choice, key=key)
    else:
        choice = await with_key(choice, setup.keys)
    # The agent framework, which takes a second.
    from stigmer_tui.agents.models.trial import try_model

    return await try_model(choice)


def _states(chooser: ModelChooser) -> Iterator[ProviderState]:
    used = _used(chooser)
    for provider in PROVIDERS:
        yield _state(chooser, provider, provider is used)


def _used(chooser: ModelChooser) -> ModelProvider | None:
    """The provider of agents that ask for no model."""
    try:
        return chooser.choose(has_script=True).provider
    except StigmerError:
        return chooser.configured()


def _state(chooser: ModelChooser, provider: ModelProvider, is_used: bool) -> ProviderState:
    if provider is SCRIPTED:
        return ProviderState(provider, is_used, "", "", Readiness.READY, "plays the scripts of agents, asks no model")
    alone = chooser.alone(provider)
    model = model_id(alone.settings.model) or provider.default_model
    address = alone.address(provider)
    try:
        choice = alone.choose()
    except StigmerError:
        mend = f"stigmer-tui secrets set {provider.name}"
        return ProviderState(provider, is_used, model, address, Readiness.NO_KEY, mend)
    if provider is OLLAMA:
        return _ollama_state(choice, is_used)
    place = f"key in {choice.key_variable}" if choice.key else "no key needed"
    if choice.stored:
        place = f"key in the {choice.stored.place}"
    return ProviderState(provider, is_used, model, address, Readiness.READY, place)


def _ollama_state(choice: ModelChoice, is_used: bool) -> ProviderState:
    from stigmer_tui.agents.models.ollama import Ollama

    ollama = Ollama(choice.base_url)

    def state(readiness: Readiness, detail: str) -> ProviderState:
        return ProviderState(OLLAMA, is_used, choice.model, ollama.address, readiness, detail)

    try:
        names = asyncio.run(ollama.models())
    except StigmerError as error:
        return state(Readiness.NO_ANSWER, error.advice)
    if not ollama.has(choice.model, names):
        return state(Readiness.NO_MODEL, f"stigmer-tui provider pull {choice.model}")
    return state(Readiness.READY, f"models: {', '.join(names)}")


def _line(state: ProviderState) -> str:
    sign = "●" if state.is_used else " "
    name = f"{state.provider.name} {state.model}".strip()
    where = f" · {without_credentials(state.address)}" if state.address else ""
    return f"{sign} {name:<32}  {state.readiness:<16}  {state.detail}{where}".rstrip()


def _hints(setup: ModelSetup, provider: ModelProvider, is_informed: bool) -> Iterator[str]:
    file = ConfigurationFile.read(setup.home.configuration)
    for setting in (settings.PROVIDER, settings.MODEL, settings.BASE_URL):
        if not (value := value_of(setting, setup.environment, file)).is_from_file and value.text:
            yield f"Here {setting.variable} in the environment wins over it"
    try:
        setup.chooser().alone(provider).choose()
    except StigmerError:
        yield f"It has no key yet: stigmer-tui secrets set {provider.name}"
    if is_informed:
        yield "The daemon uses it from the next run on"


def _at(address: str, provider: ModelProvider) -> str:
    return f" at {without_credentials(address)}" if address and address != provider.address + provider.path else ""
