"""Airflow 3.3 over its REST API: its command line costs 4 to 17 seconds a call."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict
from urllib.parse import quote

import httpx
import tenacity

from calnet_ops.errors import MissingInput, ServiceUnavailable, WrongConfiguration

TIMEOUT_S = 30.0
"""Patience with an answer [s]; an API server under load was seen to take several."""

TRIES = 6
"""With the waits between them about 15 s of trouble are outlasted. On SQLite, Airflow answers a
request that meets another writer with status 500 at once ("database is locked")."""

FIRST_WAIT_S = 0.5
"""Longest wait after the first failed try [s]; doubled after each further one."""

PAGE = 100
"""Rows asked for at a time: Airflow's own limit of a page."""

NOTE_MAX = 1000
"""Longest note that Airflow takes."""

UNMAPPED = -1
"""Map index of a task that is not mapped."""


class DagRun(TypedDict):
    """A run of a DAG."""

    dag_id: str
    run_id: str
    partition_key: str
    """Sector as text; empty for a run about no sector."""
    state: str
    """queued, running, success, failed."""
    seconds: float | None
    """From start to end; None while it runs."""


class Approval(TypedDict):
    """A task that waits for a person."""

    dag_id: str
    run_id: str
    task_id: str
    subject: str
    body: str
    options: list[str]


class Scheduler:
    """An Airflow API server, logged in when first asked and again when the login expires.

    Parameters
    ----------
    client
        HTTP client whose base URL is the server's.
    user, password
        Of Airflow's own login.
    first_wait_s
        Longest wait after a first failed try [s].

    Notes
    -----
    A server that does not answer, or answers with an error of its own, is asked again. What it
    may have done all the same is safe to ask for twice: runs have ids of ours, and an event that
    comes twice starts a run that finds its work done.
    """

    def __init__(
        self, client: httpx.Client, user: str, password: str, first_wait_s: float = FIRST_WAIT_S
    ) -> None:
        self._client = client
        self._login = {"username": user, "password": password}
        self._token = ""
        self._insist = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(ServiceUnavailable),
            stop=tenacity.stop_after_attempt(TRIES),
            wait=tenacity.wait_random_exponential(multiplier=first_wait_s),
            reraise=True,
        )

    def emit_asset_event(self, asset_name: str, partition_key: str | None = None) -> None:
        """Say that an asset changed, so that the DAGs that wait for it start.

        Parameters
        ----------
        partition_key
            The sector of which it did, if it is an asset of sectors.

        Raises
        ------
        MissingInput
            If Airflow knows no such asset (yet): no DAG that names it has been parsed.
        """
        found = self._ask("GET", "/api/v2/assets", {"name_pattern": asset_name, "limit": PAGE})
        ids = [asset["id"] for asset in found["assets"] if asset["name"] == asset_name]
        if not ids:
            raise MissingInput(f"asset {asset_name}", found="none", expected="an asset of a DAG")
        event: dict[str, Any] = {"asset_id": ids[0], "extra": {}}
        if partition_key is not None:
            event["partition_key"] = partition_key
        self._ask("POST", "/api/v2/assets/events", event)

    def trigger_run(self, dag_id: str, partition_key: str | None = None) -> str:
        """Start a run, of a sector if its partition key is given; its id."""
        run_id = f"manual__{datetime.now(UTC).isoformat()}_{secrets.token_hex(4)}"
        # logical_date has to be there, and may be null.
        request: dict[str, Any] = {"dag_run_id": run_id, "logical_date": None, "conf": {}}
        if partition_key is not None:
            request["partition_key"] = partition_key
        self._offer("POST", f"/api/v2/dags/{dag_id}/dagRuns", request)
        return run_id

    def queue_run(
        self,
        dag_id: str,
        run_id: str,
        partition_key: str,
        *,
        run_after: datetime,
        conf: Mapping[str, Any] | None = None,
        note: str = "",
    ) -> bool:
        """Put a run with an id of ours into the queue; False if there is one of that id.

        Parameters
        ----------
        run_after
            Not before then, and its place in the queue: of the runs that wait for
            ``max_active_runs``, Airflow 3.3 starts the one with the earliest first.
        conf
            What the run's tasks may read.
        note
            Shown beside the run.
        """
        request = {
            "dag_run_id": run_id,
            "logical_date": None,
            "partition_key": partition_key,
            "run_after": run_after.isoformat(),
            "conf": dict(conf or {}),
            "note": note or None,
        }
        return self._offer("POST", f"/api/v2/dags/{dag_id}/dagRuns", request)

    def note_run(self, dag_id: str, run_id: str, note: str) -> None:
        """Show a text beside a run.

        Raises
        ------
        MissingInput
            If there is no such run.
        """
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"
        self._ask("PATCH", path, {"note": note[:NOTE_MAX]})

    def find_runs(
        self, dag_id: str, *, prefix: str = "", states: Sequence[str] = ()
    ) -> list[DagRun]:
        """All runs of a DAG whose id begins so and whose state is one of these; oldest first."""
        wanted: dict[str, Any] = {"state": list(states)} if states else {}
        if prefix:
            wanted["run_id_prefix_pattern"] = prefix
        items = self._pages(f"/api/v2/dags/{dag_id}/dagRuns", "dag_runs", wanted)
        return [run for run in map(_dag_run, items) if run["run_id"].startswith(prefix)]

    def count_tasks(
        self, dag_id: str, run_id: str, task_id: str, states: Sequence[str] = ()
    ) -> int:
        """Instances of a mapped task in a run, in one of these states if any are given."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances"
        wanted = {"task_id": task_id, "state": list(states), "limit": 1}
        return int(self._ask("GET", path, wanted)["total_entries"])

    def runs(self, dag_id: str = "~") -> list[DagRun]:
        """Runs of a DAG, or of all; newest first, no more than the newest `PAGE`."""
        answer = self._ask(
            "GET", f"/api/v2/dags/{dag_id}/dagRuns", {"order_by": "-start_date", "limit": PAGE}
        )
        return [_dag_run(item) for item in answer["dag_runs"]]

    def run_state(self, dag_id: str, run_id: str) -> str:
        """State of a run: queued, running, success or failed."""
        return str(self._ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def waiting_approvals(self) -> list[Approval]:
        """Tasks of all DAGs that wait for a person's answer."""
        answer = self._ask(
            "GET",
            "/api/v2/dags/~/dagRuns/~/hitlDetails",
            {"response_received": "false", "limit": PAGE},
        )
        return [_approval(item) for item in answer["hitl_details"]]

    def approve(
        self, dag_id: str, run_id: str, task_id: str, option: str = "Approve", note: str = ""
    ) -> None:
        """Answer a task that waits for a person; an answer that is there already stays."""
        run = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
        path = f"{run}/taskInstances/{task_id}/{UNMAPPED}/hitlDetails"
        answer = {"chosen_options": [option], "params_input": {"note": note} if note else {}}
        self._offer("PATCH", path, answer)

    def _offer(self, method: str, path: str, content: Mapping[str, Any]) -> bool:
        """Say something once; False if it was said, perhaps by a try that got no answer."""
        response = self._respond(method, path, content)
        if response.status_code == httpx.codes.CONFLICT:
            return False
        self._judge(response, method, path)
        return True

    def _ask(
        self, method: str, path: str, content: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What a good answer holds."""
        response = self._respond(method, path, content)
        self._judge(response, method, path)
        return dict(response.json())

    def _pages(self, path: str, name: str, wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """All items of a list that Airflow gives in pages."""
        offset, total = 0, 1
        while offset < total:
            page = {**wanted, "order_by": "id", "limit": PAGE, "offset": offset}
            answer = self._ask("GET", path, page)
            yield from answer[name]
            offset, total = offset + PAGE, int(answer["total_entries"])

    def _respond(
        self, method: str, path: str, content: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Any answer but a server's own error."""
        return self._insist(self._try, method, path, content)

    def _try(self, method: str, path: str, content: Mapping[str, Any] | None) -> httpx.Response:
        """One answer, after a login where one is needed."""
        response = self._send(method, path, content) if self._token else None
        if response is None or response.status_code == httpx.codes.UNAUTHORIZED:
            self._token = self._log_in()
            response = self._send(method, path, content)
        return response

    def _judge(self, response: httpx.Response, method: str, path: str) -> None:
        """Raise what a bad answer means."""
        if response.is_success:
            return
        if response.status_code == httpx.codes.NOT_FOUND:
            raise MissingInput(f"Airflow, {path}", found=response.text[:400], expected="to find it")
        raise WrongConfiguration(
            f"Airflow, {method} {path}",
            found=f"HTTP {response.status_code} {response.text[:400]}",
            expected="an answer",
        )

    def _log_in(self) -> str:
        response = self._request("POST", "/auth/token", json=self._login)
        if not response.is_success:
            raise WrongConfiguration(
                "login to Airflow",
                found=f"HTTP {response.status_code}",
                expected="a token",
                cure="Set CALNET_AIRFLOW_USER and CALNET_AIRFLOW_PASSWORD.",
            )
        return str(response.json()["access_token"])

    def _send(self, method: str, path: str, content: Mapping[str, Any] | None) -> httpx.Response:
        login = {"Authorization": f"Bearer {self._token}"}
        if method == "GET":
            return self._request(method, path, params=dict(content or {}), headers=login)
        return self._request(method, path, json=dict(content or {}), headers=login)

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            answer = self._client.request(method, path, params=params, json=json, headers=headers)
        except httpx.HTTPError as error:
            raise self._unavailable(f"{method} {path}", repr(error)) from error
        if answer.is_server_error:
            found = f"HTTP {answer.status_code} {answer.text[:400]}"
            raise self._unavailable(f"{method} {path}", found)
        return answer

    def _unavailable(self, request: str, found: str) -> ServiceUnavailable:
        where = f"Airflow at {self._client.base_url}, {request}"
        return ServiceUnavailable(where, found=found, expected="an answer")


def open_scheduler(
    url: str, user: str, password: str, first_wait_s: float = FIRST_WAIT_S
) -> Scheduler:
    """Get ready to talk to an Airflow API server; nothing is sent yet."""
    return Scheduler(httpx.Client(base_url=url, timeout=TIMEOUT_S), user, password, first_wait_s)


def _dag_run(item: Mapping[str, Any]) -> DagRun:
    start, end = item.get("start_date"), item.get("end_date")
    seconds = None
    if start and end:
        seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return DagRun(
        dag_id=item["dag_id"],
        run_id=item["dag_run_id"],
        partition_key=item.get("partition_key") or "",
        state=item["state"],
        seconds=seconds,
    )


def _approval(item: Mapping[str, Any]) -> Approval:
    task = item["task_instance"]
    return Approval(
        dag_id=task["dag_id"],
        run_id=task["dag_run_id"],
        task_id=task["task_id"],
        subject=item["subject"],
        body=item.get("body") or "",
        options=list(item["options"]),
    )
