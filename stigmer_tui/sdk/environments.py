"""Environments: named sets of variables, with which agents and workflows run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stigmer_tui.sdk.errors import DefinitionError, calling_line
from stigmer_tui.sdk.registry import VARIABLE_NAME, EnvironmentDefinition, current_registry
from stigmer_tui.sdk.values import literal_text, resource_name


class Environment:
    """A set of variables with a name, for instances of agents and workflows.

        prod = Environment("prod", {"REGION": "eu"}, secrets=["SHOP_TOKEN"], description="The shop in Europe")
        WorkflowInstance("tally-in-prod", flow, environments=[prod])

    Values of secrets do not belong into code: `secrets` names them, and `stigmer-tui environment set prod
    secret:SHOP_TOKEN` asks for the value, which the server keeps, encrypted, however often this is deployed.
    """

    def __init__(
        self,
        name: str,
        values: Mapping[str, str] | None = None,
        *,
        secrets: Iterable[str] = (),
        description: str = "",
    ) -> None:
        self.name = resource_name(name, "an environment")
        """Its name, by which instances refer to it."""
        if isinstance(secrets, str):
            raise DefinitionError("secrets is a text", f'Write a list of names: ["{secrets}"].')
        texts = {_variable(key): literal_text(value, f"The value of {key}") for key, value in (values or {}).items()}
        hidden = tuple(_variable(key) for key in secrets)
        if both := next((key for key in hidden if key in texts), None):
            raise DefinitionError(f"{both} is both a value and a secret", "Leave it out of one of them.")
        current_registry().add_environment(
            EnvironmentDefinition(self.name, texts, hidden, literal_text(description, "description"), calling_line())
        )

    def __repr__(self) -> str:
        return f"<environment {self.name}>"


def environment_names(environments: Iterable[Environment | str], whose: str) -> tuple[str, ...]:
    """A text is the name of one that is deployed already. Raises DefinitionError for anything else."""
    if isinstance(environments, str | Environment):
        raise DefinitionError(f"environments of {whose} is one", "Write a list: environments=[prod].")
    return tuple(
        each.name if isinstance(each, Environment) else resource_name(each, "an environment") for each in environments
    )


def _variable(name: object) -> str:
    text = literal_text(name, "The name of a variable")
    if not VARIABLE_NAME.fullmatch(text):
        raise DefinitionError(f"{text!r} is not a valid variable name", "Use capital letters, digits and underscores.")
    return text
