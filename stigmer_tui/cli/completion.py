"""Completion in shells: the script for each, and what it prints when a person has pressed tab."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

from stigmer_tui.cli import COMPLETION
from stigmer_tui.core.errors import StigmerError

PROGRAM = "stigmer-tui"

LOADED_COMPDEF = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"
"""For a zsh whose completion nobody has switched on."""

FISH_SCRIPT = """\
function %(complete_func)s
    set -l asked env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t)
    for line in ($asked %(prog_name)s)
        set -l parts (string split --max 1 "," -- $line)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                printf "%%s\\n" $parts[2]
        end
    end
end

complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""
"""That of click cuts what it says of a value at a comma, and prints no option that is one of `echo`."""


class WholeWords(ShellComplete):
    """`--output=js` is one word, all of which zsh and fish want back."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        found = super().get_completions(args, incomplete)
        option, separator, _ = incomplete.partition("=")
        if not separator or not option.startswith("-"):
            return found
        return [CompletionItem(f"{option}={item.value}", item.type, item.help) for item in found]


class Bash(BashComplete):
    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """To bash, `--output=js` is three words, of which it wants the last one back."""
        return super().get_completions([word for word in args if word != "="], "" if incomplete == "=" else incomplete)


class Zsh(WholeWords, ZshComplete):
    source_template = ZshComplete.source_template.replace("\nif [[", f"\n{LOADED_COMPDEF}\nif [[", 1)


class Fish(WholeWords, FishComplete):
    source_template = FISH_SCRIPT


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def print_script(shell: str) -> int:
    from stigmer_tui.cli.commands import program

    # Not the method of the class for bash, which runs bash to see how old it is.
    click.echo(ShellComplete.source(_completion(shell, program)))
    return 0


def complete(instruction: str) -> int:
    """What the script of a shell asks for by the variable, such as `bash_complete`."""
    from stigmer_tui.cli.commands import program

    shell, _, action = instruction.partition("_")
    if action != "complete":
        return print_script(shell)
    click.echo(_completion(shell, program).complete())
    return 0


def _completion(shell: str, program: click.Command) -> ShellComplete:
    if shell not in SHELLS:
        raise StigmerError(f"There is no completion for the shell {shell!r}", f"There are {', '.join(SHELLS)}.")
    return SHELLS[shell](program, {}, PROGRAM, COMPLETION)
