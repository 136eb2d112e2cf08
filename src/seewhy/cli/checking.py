"""A card and a policy, looked at before they judge anything."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from seewhy.cli.options import Json
from seewhy.cli.terminal import COLOURS, out, plain, print_json


def check(
    card: Annotated[Path, typer.Argument(help="Product card (YAML).")],
    policy: Annotated[Path | None, typer.Argument(help="Policy (YAML); default: the one that serves any product.")] = None,
    json_: Json = False,
) -> None:
    """Check a product card and a policy, and show what each rule would do to a table of examples."""
    from seewhy.agent.inspection.policy import load_policy
    from seewhy.agent.inspection.rehearsal import rehearse
    from seewhy.card import load_card

    known = load_card(card)
    rules = load_policy(policy) if policy else load_policy()
    examples, unreached = rehearse(rules, known)
    if json_:
        return print_json({"card": known.name, "policy": rules.name, "examples": [asdict(e) for e in examples], "unreached": unreached})
    table = Table(
        "finding", "rule", "severity", "verdict", box=None, title=f"{plain(rules.name)} {plain(rules.version)}, {plain(known.name)}"
    )
    for e in examples:
        table.add_row(plain(e.what), plain(e.rule), e.severity, f"[{COLOURS[e.verdict]}]{e.verdict}[/]")
    out.print(table)
    if unreached:
        out.print(f"no example reached: {plain(', '.join(unreached))}", highlight=False, soft_wrap=True)
    return None
