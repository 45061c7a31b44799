"""Files of models: those from elsewhere, signatures, cards."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from calnet_ops.cli.output import Json, console, errors, show
from calnet_ops.platform import open_platform


def import_file(
    file: Annotated[Path, typer.Argument(help="A .keras, .h5, .pt or .pth file.")],
    output_index: Annotated[
        int | None,
        typer.Option(help="Output that is P(EB); by default 0 of Keras, 1 of PyTorch files."),
    ] = None,
    name: Annotated[str, typer.Option(help="What to call it; by default the file's name.")] = "",
    as_json: Json = False,
) -> None:
    """Register the published network, as its authors or you trained it, and judge it.

    Nothing of the file is run. Taken are the Keras form, of Keras 2 or 3, and the state dictionary
    of the PyTorch form; files that hold code are refused.

    Example: [bold]calnet-ops model import CALNet.keras --name "as published"[/bold]
    """
    from calnet_ops.steps import gate, import_model

    platform = open_platform()
    errors.print("reading the file, exporting the network: half a minute")
    imported = import_model.import_model(file, platform, output_index, name, _user())
    verdict = gate.judge_version(imported["version"], platform)
    show({**imported, **verdict}, as_json=as_json)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return ""


def sign(
    model_id: Annotated[str, typer.Argument(help="Id of a stored model; `model list` tells it.")],
    as_json: Json = False,
) -> None:
    """Sign a stored model with the key in CALNET_SIGNING_KEY.

    Models are signed when they are registered; this is for those from before there was a key,
    and for a new key. What is signed is believed: be sure where the files come from.

    Example: [bold]calnet-ops model sign 0123456789abcdef[/bold]
    """
    from calnet_ops.platform import secret
    from calnet_ops.steps.signed_model import sign_model

    secret("CALNET_SIGNING_KEY")
    show({"signature": sign_model(model_id, open_platform().store)}, as_json=as_json)


def card(
    version: Annotated[str, typer.Argument(help="Its number, or champion.")] = "champion",
    as_json: Json = False,
) -> None:
    """Show the card of a version: data, split, figures, limits, taint, and the gate's verdict.

    Example: [bold]calnet-ops model card 3 > card.md[/bold]
    """
    from calnet_ops.steps.chosen_model import find_model
    from calnet_ops.steps.model_card import show_card

    platform = open_platform()
    model_id = find_model(version, platform)
    text = show_card(model_id, platform)
    if as_json:
        show({"model_id": model_id, "card": text}, as_json=True)
    else:
        console.print(text, markup=False, highlight=False, soft_wrap=True, end="")
