"""`seawall secrets rules`: which credentials are known."""

import json
from pathlib import Path

import click


@click.command("rules")
@click.argument("words", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print everything about them as JSON.")
@click.option("--rules", "files", multiple=True, type=click.Path(dir_okay=False, path_type=Path), help="Yours as well.")
def rules_command(words: tuple[str, ...], as_json: bool, files: tuple[Path, ...]) -> None:
    """List the rules, or only those that contain WORDS.

    Your own go into .seawall-rules.toml in the repository's top folder, or into
    a file named with --rules, here and for `seawall secrets scan`:

    \b
    [[rule]]
    id = "shop-key"                   # not one of ours
    vendor = "Our shop"
    description = "Key of the shop's API"
    keywords = ["shopkey_"]           # one is in every match
    pattern = 'shopkey_[0-9a-f]{32}'  # its first group is the secret, or all
    positive = ["shopkey_e3b0c4429a1c149afbf4c8996fb92427"]
    negative = ["shopkey_short"]

    The examples of your own rules are tried, and it is an error if one fails.
    """
    from seawall.audit.secrets.own import load_own
    from seawall.audit.secrets.rules import FileRule, Rule, load
    from seawall.audit.top import own_rules, top_folder

    ours: list[Rule | FileRule] = [rule for rules in load() for rule in rules]
    own = load_own(own_rules(top_folder(Path()), files), ours)
    every = [*ours, *own[0], *own[1]]
    chosen = [each for each in every if all(word.lower() in _text(each) for word in words)]
    if as_json:
        click.echo(json.dumps([rule._asdict() for rule in chosen], indent=2))
        return
    width = max((len(each.id) for each in chosen), default=0)
    for each in chosen:
        click.echo(f"{each.id:<{width}}  {each.vendor}: {each.description}")
    click.echo(f"\n{len(chosen)} of {len(every)} rules" if words else f"\n{len(every)} rules")


def _text(rule: object) -> str:
    return " ".join(str(getattr(rule, name)) for name in ("id", "vendor", "description")).lower()
