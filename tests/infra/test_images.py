import re
import subprocess

import pytest

from tests.infra.conftest import REPO, find_program

DOCKERFILES = ("infra/Dockerfile", "mlflow/Dockerfile")
SCRIPTS = ("infra/new_env.sh", "infra/postgres/databases.sh")


def pins(file: str) -> set[str]:
    return set(re.findall(r"^([\w.\[\]-]+==[\w.+!]+)", (REPO / file).read_text(), re.MULTILINE))


@pytest.mark.parametrize("file", DOCKERFILES)
def test_hadolint_finds_nothing(file):
    command = (find_program("hadolint"), str(REPO / file))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", DOCKERFILES)
def test_images_install_by_hash_and_run_as_nobody_special(file):
    text = (REPO / file).read_text()
    assert "--require-hashes -r requirements.lock" in text
    assert int(re.findall(r"^USER (\d+)$", text, re.MULTILINE)[-1]) > 0


@pytest.mark.parametrize("file", DOCKERFILES)
def test_what_an_image_copies_is_there_and_is_sent_to_the_builder(file):
    context = REPO / ("mlflow" if file.startswith("mlflow") else ".")
    sent = [
        line[1:]
        for line in (context / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", (REPO / file).read_text(), re.MULTILINE)
    sources = {source for copy in copies for source in copy.split()}
    assert {source.removeprefix("./") for source in sources} == set(sent)
    assert all((context / source).exists() for source in sources)


def test_the_server_of_mlflow_has_the_versions_of_its_clients():
    assert pins("mlflow/requirements.lock") <= pins("requirements.lock")


def test_the_folder_of_the_mlflow_image_cannot_hide_the_package():
    assert not list((REPO / "mlflow").rglob("*.py"))


@pytest.mark.parametrize("file", SCRIPTS)
def test_scripts_can_be_read_by_bash_and_run(file):
    subprocess.run((find_program("bash"), "-n", str(REPO / file)), check=True)
    assert (REPO / file).stat().st_mode & 0o111
