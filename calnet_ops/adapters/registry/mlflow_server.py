"""The registry on an MLflow tracking server, over its REST API.

Plain REST, because `import mlflow` costs 4 to 8 seconds and 224 MB, and the alias is looked at
every five minutes in a process that lives no longer. Only the training itself, which has loaded
TensorFlow anyway, uses the library (`runs`).
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from calnet_ops.adapters.registry.moved import TAG, Moved, read_note
from calnet_ops.adapters.registry.registry import (
    CHALLENGER,
    CHAMPION,
    MAX_DESCRIPTION,
    LoggedModel,
    ModelVersion,
    TrainingLog,
)
from calnet_ops.errors import MissingInput, ServiceUnavailable, WrongConfiguration

MODEL = "calnet"
"""Name of the registered model: ``models:/calnet@champion``."""

TIMEOUT_S = 30.0
"""Patience with an answer [s]. SQLite behind the server may have to wait for a writer."""

MAX_TAG = 4000
"""Longest value of a tag; MLflow cuts or refuses above 5,000 characters."""

WEBHOOK = "calnet-ops"
"""Name of the webhook that tells of moved aliases."""

ALIAS = "/api/2.0/mlflow/registered-models/alias"
WEBHOOKS = "/api/2.0/mlflow/webhooks"
REGISTERED = "/api/2.0/mlflow/registered-models/get"
USERS = "/api/2.0/mlflow/users/list"
PERMISSION = "/api/3.0/mlflow/users/permissions/get"

MAY_MOVE = frozenset({"EDIT", "MANAGE"})
"""Permissions on the model that let a person move its aliases."""

PAGE = 200
"""Versions asked for at a time."""


class MlflowRegistry:
    """Registered model `MODEL` on an MLflow server.

    Parameters
    ----------
    client
        HTTP client whose base URL is the server's.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def log_training(self, training: TrainingLog) -> LoggedModel:
        """Keep a run with its parameters, curves, figures, data set and model."""
        from calnet_ops.adapters.registry.runs import log_run

        return log_run(str(self._client.base_url).rstrip("/"), training)

    def register(self, logged: LoggedModel, tags: Mapping[str, str], description: str) -> int:
        """Make a version of a logged model; its number."""
        if self._ask("GET", REGISTERED, {"name": MODEL}) is None:
            self._tell("POST", "/api/2.0/mlflow/registered-models/create", {"name": MODEL})
        answer = self._tell(
            "POST",
            "/api/2.0/mlflow/model-versions/create",
            {
                "name": MODEL,
                "source": logged.model_uri,
                "model_id": logged.model_uri.removeprefix("models:/"),
                "run_id": logged.run_id,
                "description": description,
                "tags": [{"key": name, "value": value} for name, value in tags.items()],
            },
        )
        return int(answer["model_version"]["version"])

    def version(self, version: int) -> ModelVersion:
        """A version by its number.

        Raises
        ------
        MissingInput
            If there is none.
        """
        answer = self._ask(
            "GET", "/api/2.0/mlflow/model-versions/get", {"name": MODEL, "version": str(version)}
        )
        if answer is None:
            raise MissingInput(
                f"model {MODEL} version {version}", found="nothing", expected="a version"
            )
        return _model_version(answer["model_version"])

    def versions(self) -> list[ModelVersion]:
        """All versions, oldest first."""
        model = self._ask("GET", REGISTERED, {"name": MODEL})
        if model is None:
            return []
        # A search tells no aliases, only the model itself does.
        aliases: dict[str, list[str]] = {}
        for item in model["registered_model"].get("aliases", []):
            aliases.setdefault(item["version"], []).append(item["alias"])
        found = [
            _model_version(item | {"aliases": aliases.get(item["version"], [])})
            for item in self._search()
        ]
        return sorted(found, key=lambda item: item["version"])

    def tag(self, version: int, name: str, value: str) -> None:
        """Set a tag of a version."""
        self._tell(
            "POST",
            "/api/2.0/mlflow/model-versions/set-tag",
            {"name": MODEL, "version": str(version), "key": name, "value": value[:MAX_TAG]},
        )

    def untag(self, version: int, name: str) -> None:
        """Take a tag of a version away, if it is there."""
        self._ask(
            "DELETE",
            "/api/2.0/mlflow/model-versions/delete-tag",
            {"name": MODEL, "version": str(version), "key": name},
        )

    def attach(self, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:
        """Keep files with the artifacts of a run, in place of any of the same names."""
        from calnet_ops.adapters.registry.attachments import attach_files

        attach_files(str(self._client.base_url).rstrip("/"), run_id, folder, files)

    def artifacts_link(self, run_id: str) -> str:
        """Address of a run's artifacts, as a description links to it from within the UI."""
        run = self._tell("GET", "/api/2.0/mlflow/runs/get", {"run_id": run_id})["run"]
        return f"#/experiments/{run['info']['experiment_id']}/runs/{run_id}/artifacts"

    def describe(self, version: int, description: str) -> None:
        """Set the text that the UI shows with a version."""
        self._tell(
            "PATCH",
            "/api/2.0/mlflow/model-versions/update",
            {
                "name": MODEL,
                "version": str(version),
                "description": description[:MAX_DESCRIPTION],
            },
        )

    def champion_version(self) -> int | None:
        """Where the alias ``champion`` points."""
        answer = self._ask("GET", ALIAS, {"name": MODEL, "alias": CHAMPION})
        return None if answer is None else int(answer["model_version"]["version"])

    def set_champion(self, version: int) -> None:
        """Point the alias ``champion`` at a version."""
        self._set_alias(CHAMPION, version)

    def clear_champion(self) -> None:
        """Take the alias ``champion`` away."""
        self._tell("DELETE", ALIAS, {"name": MODEL, "alias": CHAMPION})

    def champion_moved(self, key: str) -> Moved | None:
        """Who moved the alias last, by a note signed with a key; None if nobody noted it."""
        model = self._ask("GET", REGISTERED, {"name": MODEL})
        tags = model["registered_model"].get("tags", []) if model else []
        notes = [tag["value"] for tag in tags if tag["key"] == TAG]
        return read_note(notes[0], key) if notes else None

    def champion_keepers(self) -> list[str] | None:
        """Who may move the alias, by name; None if MLflow has no logins."""
        answer = self._ask("GET", USERS, {})
        if answer is None:
            return None
        may = [user["username"] for user in answer["users"] if self._may_move(user)]
        return sorted(may)

    def _may_move(self, user: Mapping[str, Any]) -> bool:
        question = {
            "username": user["username"],
            "resource_type": "registered_model",
            "resource_id": MODEL,
        }
        return user["is_admin"] or self._tell("GET", PERMISSION, question)["permission"] in MAY_MOVE

    def set_challenger(self, version: int) -> None:
        """Point the alias ``challenger`` at a version."""
        self._set_alias(CHALLENGER, version)

    def send_webhook(self, url: str, secret: str) -> None:
        """Have MLflow call a URL whenever an alias moves; replaces the one it had before.

        MLflow has no event for a change of an alias: a move is a new creation.
        """
        for held in self._tell("GET", WEBHOOKS, {"max_results": PAGE}).get("webhooks", []):
            if held["name"] == WEBHOOK:
                self._tell("DELETE", f"{WEBHOOKS}/{held['webhook_id']}", {})
        events = [
            {"entity": "MODEL_VERSION_ALIAS", "action": action} for action in ("CREATED", "DELETED")
        ]
        webhook = {"name": WEBHOOK, "url": url, "secret": secret, "events": events}
        self._tell("POST", WEBHOOKS, webhook)

    def _search(self) -> Iterator[dict[str, Any]]:
        question: dict[str, Any] = {"filter": f"name='{MODEL}'", "max_results": PAGE}
        while True:
            answer = self._tell("GET", "/api/2.0/mlflow/model-versions/search", question)
            yield from answer.get("model_versions", [])
            if not answer.get("next_page_token"):
                return
            question["page_token"] = answer["next_page_token"]

    def _set_alias(self, alias: str, version: int) -> None:
        self._tell(
            "POST",
            ALIAS,
            {"name": MODEL, "alias": alias, "version": str(version)},
        )

    def _tell(self, method: str, call: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """An answer that has to be there."""
        answer = self._ask(method, call, content)
        if answer is None:
            raise MissingInput(
                f"MLflow, {call}", found=f"no {dict(content)}", expected="to find it"
            )
        return answer

    def _ask(self, method: str, call: str, content: Mapping[str, Any]) -> dict[str, Any] | None:
        """An answer, or None if what was asked about does not exist."""
        try:
            response = self._client.request(
                method,
                call,
                params=dict(content) if method == "GET" else None,
                json=None if method == "GET" else dict(content),
            )
        except httpx.HTTPError as error:
            raise _unavailable(self._client, repr(error)) from error
        return _answer(self._client, call, response)


def open_registry(url: str) -> MlflowRegistry:
    """Connect to an MLflow server.

    Reads MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, MLflow's own names, if set.
    """
    user = os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    login = httpx.BasicAuth(user, password) if user else None
    return MlflowRegistry(httpx.Client(base_url=url, auth=login, timeout=TIMEOUT_S))


def _answer(client: httpx.Client, call: str, response: httpx.Response) -> dict[str, Any] | None:
    """Sort an answer into content, "no such thing" and our errors."""
    if response.is_success:
        return dict(response.json())
    if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise WrongConfiguration(
            f"MLflow, {call}",
            found=f"HTTP {response.status_code}",
            expected="a login that may do this",
            cure="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
        )
    if response.is_server_error:
        raise _unavailable(client, f"HTTP {response.status_code}")
    # A missing alias comes as 400 INVALID_PARAMETER_VALUE "... alias champion not found."
    if response.status_code == httpx.codes.NOT_FOUND or call == ALIAS:
        return None
    raise WrongConfiguration(f"MLflow, {call}", found=response.text[:400], expected="HTTP 200")


def _unavailable(client: httpx.Client, found: str) -> ServiceUnavailable:
    return ServiceUnavailable(f"MLflow at {client.base_url}", found=found, expected="an answer")


def _model_version(item: Mapping[str, Any]) -> ModelVersion:
    return ModelVersion(
        version=int(item["version"]),
        run_id=item.get("run_id", ""),
        tags={tag["key"]: tag["value"] for tag in item.get("tags", [])},
        aliases=list(item.get("aliases", [])),
        description=item.get("description", ""),
    )
