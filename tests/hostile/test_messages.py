"""What comes from outside is shown to people as text, and does nothing to their terminals."""

import numpy as np
import pytest

from calnet_ops.cli.output import report_failure, show, show_rows
from calnet_ops.errors import WrongConfiguration, WrongLayout
from calnet_ops.science.checks.known_issues import read_issues
from tests.support.mutations import NASTY, copy_bytes, flip_bits, splice

EVIL = "\x1b]0;owned\x07[/red][link=http://x]a\nb\r\u202e\ud800\0 [bold]"


@pytest.mark.parametrize("as_json", [True, False])
def test_errors_are_shown_whatever_they_quote(as_json, capsys):
    error = WrongLayout(EVIL, found=EVIL, expected="[D] or [E]", cure="Look at [column 3].")
    report_failure(error, as_json=as_json)
    shown = "".join(capsys.readouterr())
    assert "[/red]" in shown
    assert "[column 3]" in shown
    assert not set("\x1b\x07\r\u202e\0") & set(shown)
    assert shown.count("\n") == 1


@pytest.mark.parametrize("text", ["[/red]", "[bold", "[link=file:///]", "\\[x]", "[[a]]"])
def test_rows_are_shown_whatever_they_hold(text, capsys):
    show_rows([{"note": text}], as_json=False)
    show({"note": text}, as_json=False)
    assert capsys.readouterr().out.count(text) == 2


def test_mutated_issues_end_in_a_value_or_a_named_reason():
    sound = (
        b"issue_id,sector,camera,ccd,tic,time_start,time_stop,kind,note,source\n"
        b'light,87,2,,,3670.5,3671.5,scattered light,"glint, strong",me\n'
        b"star,87,0,0,261136679,,,blend,,me\n"
    )
    n_value = 0
    for number in range(2000):
        rng = np.random.default_rng([14, number])
        bad = bytearray(sound)
        way = (flip_bits, splice, copy_bytes, None)[rng.integers(4)]
        if way is None:
            at = int(rng.integers(len(bad) + 1))
            bad[at : at + int(rng.integers(3))] = NASTY[rng.integers(len(NASTY))].encode("latin-1")
        else:
            way(bad, rng)
        try:
            n_value += bool(read_issues("issues.csv", bad.decode("utf-8", "replace")))
        except WrongConfiguration as error:
            assert len(f"{error}") < 1000  # noqa: PT017  # whether it is raised is open
    assert n_value
