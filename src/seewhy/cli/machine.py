"""What is on this machine, and servers on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from seewhy.cli.options import (
    Json,
    Vlm,
    VlmModel,
    VlmTimeout,
)
from seewhy.cli.terminal import err, out, plain, print_json


def doctor(
    speed: Annotated[bool, typer.Option("--speed", help="Also measure for a few seconds how fast photos are described here.")] = False,
    vlm: Vlm = "",
    vlm_model: VlmModel = "",
    vlm_timeout: VlmTimeout = 60.0,
    json_: Json = False,
) -> None:
    """Say what is installed, what is missing, and how to get it; with --vlm, examine a server (exit 1 where something is amiss)."""
    from seewhy.agent.machine.doctor import as_json, examine

    if vlm:
        from seewhy.agent.machine.probe import probe

        checks = probe(vlm, model=vlm_model, timeout_s=vlm_timeout)
    else:
        checks = examine()
    if speed:
        from seewhy.agent.machine.speed import measure

        checks += measure()
    if json_:
        print_json(as_json(checks))
        raise typer.Exit(int(bool(vlm) and any(c.remedy for c in checks)))
    table = Table("what", "found", "if you want it", box=None)
    table.columns[0].no_wrap = True
    for check in checks:
        table.add_row(check.what, f"[green]{plain(check.found)}[/]" if check.found else "[yellow]missing[/]", plain(check.remedy))
    out.print(table)
    raise typer.Exit(int(bool(vlm) and any(c.remedy for c in checks)))


def serve(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A profile (seewhy serve --list), or any model that vLLM knows.")] = "",
    host: Annotated[str, typer.Option(help="Where to listen; nothing protects a server that others can reach.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 8000,
    served_name: Annotated[str, typer.Option(help="Name in requests and records; default: the model's.")] = "",
    revision: Annotated[str, typer.Option(help="Commit of the model on its hub.")] = "",
    python: Annotated[str, typer.Option(help="Python that has vLLM, where it isn't this one.")] = "",
    log: Annotated[Path, typer.Option(help="Where vLLM's output goes.")] = Path("vllm.log"),
    ready_s: Annotated[float, typer.Option(help="Seconds to become ready in; the first start downloads the weights.")] = 1800.0,
    show: Annotated[bool, typer.Option("--show", help="Print the command and do nothing.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the profiles.")] = False,
) -> None:
    """Serve a VLM with vLLM (extra `serve`, a GPU); what follows `--` goes to vLLM."""
    import shlex
    from contextlib import ExitStack

    from seewhy.agent.machine.group import end_on_signals
    from seewhy.agent.machine.serve import model_and_flags, serving, watch
    from seewhy.explainers.profiles import DEFAULT, PROFILES, command, profile_of

    if list_:
        table = Table("profile", "model", "weights", "licence", box=None)
        for name, profile in PROFILES.items():
            table.add_row(name + (" (default)" if name == DEFAULT else ""), profile.model, f"{profile.weights_gib} GiB", profile.licence)
        return out.print(table)
    model, flags = model_and_flags(model, context.args)
    profile = profile_of(model or DEFAULT)
    words = command(profile, python=python or sys.executable, host=host, port=port, served_name=served_name, revision=revision, more=flags)
    if show:
        return print(shlex.join(words))
    url = f"http://{host}:{port}/v1"
    end_on_signals()
    with ExitStack() as stack:
        with err.status(f"starting {plain(profile.model)}, log in {log}"):
            process = stack.enter_context(serving(words, url, log, ready_s=ready_s))
        out.print(f"ready: --vlm {url} (log in {log}; Ctrl-C stops it)", highlight=False, soft_wrap=True)
        watch(process, log)
    return None


def schema(
    what: Annotated[
        str, typer.Argument(help="record, refusal, card, policy, roles, masters, criterion, study, master-run, sample or field.")
    ] = "record",
) -> None:
    """Print the JSON Schema of what is written to disk."""
    from seewhy.agent.inspection.policy import Policy
    from seewhy.agent.people.roles import Roles
    from seewhy.agent.quality.masters import MasterList
    from seewhy.card import ProductCard
    from seewhy.errors import UnknownName
    from seewhy.record import InspectionRecord, RefusedPhoto
    from seewhy.studies import Criterion, FormField, MasterRun, SampleDrawn, StudyDone

    models: dict[str, Any] = {
        "record": InspectionRecord,
        "refusal": RefusedPhoto,
        "card": ProductCard,
        "policy": Policy,
        "roles": Roles,
        "masters": MasterList,
        "criterion": Criterion,
        "study": StudyDone,
        "master-run": MasterRun,
        "sample": SampleDrawn,
        "field": FormField,
    }
    if what not in models:
        raise UnknownName("schema", what, models)
    print_json(models[what].model_json_schema())
