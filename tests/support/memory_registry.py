"""A model registry in memory with the promises of MLflow's; no models, only versions."""

from collections.abc import Mapping

from calnet_ops.adapters.registry import CHALLENGER, CHAMPION, LoggedModel, ModelVersion, Moved
from calnet_ops.adapters.registry.registry import TrainingLog
from calnet_ops.errors import MissingInput


class MemoryRegistry:
    """Registry whose versions are in a list."""

    def __init__(self) -> None:
        self.logs: list[TrainingLog] = []
        self.tags: list[dict[str, str]] = []
        self.descriptions: dict[int, str] = {}
        self.aliases: dict[str, int] = {}
        self.webhooks: list[str] = []
        self.attached: dict[str, bytes] = {}
        self.moved: Moved | None = None
        self.keepers: list[str] | None = None

    def copy(self) -> "MemoryRegistry":
        """A registry of the same versions that goes its own way."""
        twin = MemoryRegistry()
        twin.logs = list(self.logs)
        twin.tags = [dict(tags) for tags in self.tags]
        twin.descriptions = dict(self.descriptions)
        twin.aliases = dict(self.aliases)
        twin.webhooks = list(self.webhooks)
        twin.attached = dict(self.attached)
        return twin

    def log_training(self, training: TrainingLog) -> LoggedModel:
        """Keep the log."""
        self.logs.append(training)
        return LoggedModel(f"run-{len(self.logs)}", f"models:/m-{len(self.logs)}")

    def register(self, logged: LoggedModel, tags: Mapping[str, str], description: str) -> int:
        """Append a version."""
        self.tags.append(dict(tags))
        self.descriptions[len(self.tags)] = description
        return len(self.tags)

    def version(self, version: int) -> ModelVersion:
        """Look up a version."""
        if not 1 <= version <= len(self.tags):
            raise MissingInput(f"version {version}", found="nothing", expected="a version")
        return ModelVersion(
            version=version,
            run_id=f"run-{version}",
            tags=dict(self.tags[version - 1]),
            aliases=[name for name, at in self.aliases.items() if at == version],
            description=self.descriptions[version],
        )

    def versions(self) -> list[ModelVersion]:
        """List all."""
        return [self.version(number) for number in range(1, len(self.tags) + 1)]

    def tag(self, version: int, name: str, value: str) -> None:
        """Set a tag."""
        self.tags[version - 1][name] = value

    def untag(self, version: int, name: str) -> None:
        """Take a tag away."""
        self.tags[version - 1].pop(name, None)

    def attach(self, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:
        """Keep the files under the name of their run."""
        place = f"{run_id}/{folder}".rstrip("/")
        self.attached |= {f"{place}/{name}": body for name, body in files.items()}

    def artifacts_link(self, run_id: str) -> str:
        """Name the run."""
        return f"#/{run_id}/artifacts"

    def describe(self, version: int, description: str) -> None:
        """Set the text."""
        self.descriptions[version] = description

    def champion_version(self) -> int | None:
        """Read the alias."""
        return self.aliases.get(CHAMPION)

    def set_champion(self, version: int) -> None:
        """Set the alias."""
        self.aliases[CHAMPION] = self.version(version)["version"]

    def clear_champion(self) -> None:
        """Remove the alias."""
        self.aliases.pop(CHAMPION, None)

    def champion_moved(self, key: str) -> Moved | None:
        """Tell who, as the test says."""
        return self.moved

    def champion_keepers(self) -> list[str] | None:
        """Tell who might, as the test says."""
        return self.keepers

    def set_challenger(self, version: int) -> None:
        """Set the other alias."""
        self.aliases[CHALLENGER] = self.version(version)["version"]

    def send_webhook(self, url: str, secret: str) -> None:
        """Note the receiver."""
        self.webhooks = [url]
