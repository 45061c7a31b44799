"""Commands about files of models."""

import json

import pytest
from typer.testing import CliRunner

from calnet_ops import keys
from calnet_ops.adapters.registry import LoggedModel
from calnet_ops.cli import model_files
from calnet_ops.cli.commands import app
from calnet_ops.errors import MissingInput, ModelRefused, WrongConfiguration
from tests.support.memory_registry import MemoryRegistry
from tests.support.signing_keys import private_pem


@pytest.fixture
def opened(platform, monkeypatch):
    """The platform that the commands open, with one registered model."""
    platform.__dict__["registry"] = MemoryRegistry()
    platform.registry.register(LoggedModel("r", "m"), {"model_id": "aaaa"}, "")
    platform.store.save_new(keys.model("aaaa", "model.json"), b"{}")
    monkeypatch.setattr(model_files, "open_platform", lambda: platform)
    return platform


def run(*words):
    return CliRunner().invoke(app, ["model", *words])


def test_a_model_is_signed(opened, monkeypatch):
    monkeypatch.setenv("CALNET_SIGNING_KEY", private_pem())
    assert run("sign", "aaaa").exit_code == 0
    assert [key for key in opened.store.iter_keys("models/aaaa/") if key.endswith(".sig")]


def test_without_a_key_nothing_can_be_signed(opened):
    assert isinstance(run("sign", "aaaa").exception, WrongConfiguration)


def test_a_card_is_printed_as_it_is(opened):
    opened.store.save_new(keys.model("aaaa", "card.md"), b"# Card [bold]x[/bold]\n")
    result = run("card", "1")
    assert result.stdout == "# Card [bold]x[/bold]\n\n## Gate\nNot judged yet.\n"
    assert json.loads(run("card", "1", "--json").stdout)["model_id"] == "aaaa"


def test_a_model_without_a_card_says_so(opened):
    assert isinstance(run("card", "1").exception, MissingInput)


def test_a_file_that_can_hold_code_is_not_imported(opened, tmp_path):
    file = tmp_path / "model.pkl"
    file.write_bytes(b"\x80\x02}.")
    result = run("import", str(file))
    assert isinstance(result.exception, ModelRefused)
    assert "can hold code" in str(result.exception)
