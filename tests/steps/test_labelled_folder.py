"""Manifests as people and spreadsheets write them."""

import pytest

from calnet_ops.steps.labelled_folder import read_folder

PLAIN = "path,tic,label\na.fits,7,EB\nb.fits,8,NONEB\n"


def read(folder, text):
    for name in ("a.fits", "b.fits"):
        (folder / name).write_bytes(b"light")
    (folder / "manifest.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_folder(folder)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("\n", "\r\n"),
        f"\ufeff{PLAIN}",
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        f"{PLAIN}\n , ,\n",
        "label,PATH,note,Tic\nEB, a.fits ,x,TIC 7\nNONEB,b.fits,,8.0\n",
        "path,tic,label,who\na.fits,7,EB,Pr\u0161a\nb.fits,8,NONEB,\n".encode("iso8859-2"),
    ],
)
def test_the_same_is_read_whoever_wrote_it(text, tmp_path):
    files = read(tmp_path, text)
    assert [(file.name, file.tic, file.label) for file in files] == [
        ("a.fits", 7, "EB"), ("b.fits", 8, "NONEB")
    ]  # fmt: skip
    assert [file.problem for file in files] == ["", ""]


@pytest.mark.parametrize(
    ("word", "label"),
    [
        *(("eb", "EB"), ("Eclipsing Binary", "EB"), ("EW", "EB"), ("true", "EB")),
        *(("NOT_EB", "NONEB"), ("not eb", "NONEB"), ("non-EB", "NONEB"), ("Quiet", "NONEB")),
        *(("planet host", "PLANET"), ("PLANET", "PLANET"), ("unsure", "AMBIGUOUS")),
        *(("", ""), ("unlabelled", ""), ("galaxy", "GALAXY")),
    ],
)
def test_labels_in_other_words(word, label, tmp_path):
    assert read(tmp_path, f"{PLAIN}b.fits,9,{word}\n")[-1].label == label


@pytest.mark.parametrize(
    ("bytes_", "sha256", "problem"),
    [("5", "", ""), ("5.0", "", ""), ("6", "", "found 5 bytes, expected 6"), ("", "0", "sha256")],
)
def test_size_and_hash_are_checked_if_they_are_there(bytes_, sha256, problem, tmp_path):
    (file,) = read(tmp_path, f"path,tic,label,bytes,sha256\na.fits,7,EB,{bytes_},{sha256}\n")
    assert problem in file.problem
    assert bool(problem) == bool(file.problem)


def test_whether_labels_are_sure_is_not_known_where_it_is_not_said(tmp_path):
    text = "path,tic,label,clean\na.fits,7,EB,True\nb.fits,8,EB,False\nb.fits,9,EB,\n"
    assert [file.clean for file in read(tmp_path, text)] == [True, False, None]
    assert {file.clean for file in read(tmp_path, PLAIN)} == {None}
