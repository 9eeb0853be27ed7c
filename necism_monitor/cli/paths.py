"""The paths that options set; a module of its own, so that a short command need not load what reads from them."""

from typing import NamedTuple


class Paths(NamedTuple):
    """The four paths that options set; None = the environment, the configuration or the default says."""

    config: str | None = None
    ism_path: str | None = None
    state_dir: str | None = None
    run_dir: str | None = None
