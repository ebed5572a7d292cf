"""A project as it is served at this moment, and what was recorded of its use."""

from pathlib import Path

from .recording import Recording
from .specs.config_specs import ConfigSpecs, load_specs
from .specs.evaluation import Evaluator


class Service:
    """A project, loaded, evaluated and recorded.

    It belongs to the server's event loop: nothing of it is to be touched from another thread, but
    the recording.

    Args:
        project: The project's file.
        recording: Where events and exposures go.

    Raises:
        ProjectError: The project's file is missing or faulty; it says where.
    """

    def __init__(self, project: Path, recording: Recording) -> None:
        self.recording = recording
        self._file = project
        self._specs = load_specs(project)
        self._evaluator = Evaluator(self._specs)

    @property
    def specs(self) -> ConfigSpecs:
        """What is served now."""
        return self._specs

    @property
    def evaluator(self) -> Evaluator:
        """What evaluates it."""
        return self._evaluator

    def reload(self) -> None:
        """Serve what the project's file says now.

        Raises:
            ProjectError: It is missing or faulty. What was served goes on being served.
        """
        self._serve(load_specs(self._file))

    def close(self) -> None:
        """Stop evaluating."""
        self._evaluator.close()

    def _serve(self, specs: ConfigSpecs) -> None:
        evaluator = Evaluator(specs)
        self._evaluator.close()
        self._specs, self._evaluator = specs, evaluator
