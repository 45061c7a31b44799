"""Files of models: signatures."""

from typing import Annotated

import typer

from calnet_ops.cli.output import Json, show
from calnet_ops.platform import open_platform


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
