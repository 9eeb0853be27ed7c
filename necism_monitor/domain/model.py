"""What is to be watched and refreshed: services, resources, pairs, arrays and their limits, as frozen values.

All durations are seconds.  The configuration adapter builds these values; nothing here reads a file.
"""

import enum
from datetime import tzinfo
from typing import Final, NamedTuple

from necism_monitor.domain.names import ArrayName, LdName, ResourceId, ResourceName, ServiceName
from necism_monitor.domain.states import Words

MINUTE, HOUR, DAY = 60, 3600, 86400

MANUAL: Final = "manual"
"""The trigger of a run that a person asked for."""
ALARMS: Final = ("nagios", "icinga", "alertmanager")
"""Callers that act on a problem somebody else noticed: they act only where it is one that a resync solves."""
CALLERS: Final = ("timer", *ALARMS)
"""Every trigger that is no person."""


class AccessPolicy(enum.Enum):
    """The access an LV is to have after a relink: declared, or what it had before."""

    RW = "rw"
    RO = "ro"
    KEEP = "keep"


class Order(enum.Enum):
    """`set`: unlink all, create all, link all (one point in time).  `pair`: each pair through (shortest outage)."""

    SET = "set"
    PAIR = "pair"


class Source(enum.Enum):
    """Where readers take the observation from."""

    COMMANDS = "commands"
    FILE = "file"


class Pair(NamedTuple):
    """An LV and the SV it is to show; with several `svs` they take turns.  A pair is identified by its LV."""

    lv: LdName
    svs: tuple[LdName, ...]


class Window(NamedTuple):
    """When automatic runs may start; belongs to its start day.  Minutes are counted from local midnight."""

    days: frozenset[int]
    """0 = Monday."""
    start_minute: int
    end_minute: int
    """Not above `start_minute`: the window ends on the next day."""
    zone: tzinfo
    text: str


class Hook(NamedTuple):
    """A command run before or after a resync, and its deadline in seconds."""

    argv: tuple[str, ...]
    timeout: float


class Limits(NamedTuple):
    """Ages and distances of one resource, in seconds."""

    max_delay: float = 1500 * MINUTE
    min_delay: float = 30 * MINUTE
    max_skew: float = 4 * HOUR


class Automation(NamedTuple):
    """Which callers may start a resource without a person, when and how often."""

    callers: frozenset[str] = frozenset()
    windows: tuple[Window, ...] = ()
    cooldown: float = HOUR
    max_per_day: int = 6


class Resource(NamedTuple):
    """One `[sync#N]` section: pairs that are refreshed together by one run."""

    service: ServiceName
    name: ResourceName
    pairs: tuple[Pair, ...]
    array: ArrayName = ArrayName("default")
    limits: Limits = Limits()
    access: AccessPolicy = AccessPolicy.KEEP
    order: Order = Order.SET
    parallel: int = 1
    automation: Automation = Automation()
    pre_resync: Hook | None = None
    post_resync: Hook | None = None
    in_use_check: tuple[str, ...] | None = None
    unused: bool = False
    """`consumers = none`: nobody uses these LVs outside runs."""
    run_on: frozenset[str] = frozenset()
    """Node names allowed to act; empty = any."""
    disabled: bool = False
    hidden: bool = False
    """Tag `nostatus`: in no status, check or metric."""
    no_action: bool = False
    """Tag `noaction`: a resync is refused."""

    @property
    def id(self) -> ResourceId:
        """`SERVICE/sync#N`."""
        return ResourceId.of(self.service, self.name)


class Array(NamedTuple):
    """How one disk array is reached and read; durations in seconds."""

    name: ArrayName
    ism_path: str | None = None
    command_prefix: tuple[str, ...] = ()
    host: str | None = None
    """The destination of ssh; None = the commands run on this host.  Special files are names on that host."""
    ssh_config: str | None = None
    """A configuration file for ssh instead of the user's own."""
    zone: tzinfo | None = None
    """The zone of the array's clock; None = the host's."""
    read_timeout: float = 240
    change_timeout: float = 600
    parallel_commands: int = 1
    cache_ttl: float = 60
    unique_names: bool = False
    words: Words = Words()


class Listener(NamedTuple):
    """Where an HTTP face listens."""

    address: str
    telemetry_path: str = "/metrics"
    web_config: str | None = None


class Webhook(NamedTuple):
    """The Alertmanager receiver's own settings."""

    listener: Listener
    credentials_file: str | None = None
    label: str | None = None
    map: tuple[tuple[str, str], ...] = ()


class Settings(NamedTuple):
    """The `[necism]` section."""

    state_dir: str = "/var/lib/necism"
    run_dir: str = "/run/necism"
    kill_switch: str = "STOP"
    max_runs_per_hour: int = 4
    source: Source = Source.COMMANDS
    stale_after: float = 15 * MINUTE
    future_tolerance: float = 5 * MINUTE
    changing_grace: float = 10 * MINUTE
    settle_timeout: float = 20 * MINUTE
    relink_timeout: float = 15 * MINUTE
    keep_history: float = 400 * DAY
    host_root: str = "/"
    """Where `doctor` looks for what belongs to this host: its processes, devices and schedulers."""


class Service(NamedTuple):
    """One service file."""

    name: ServiceName
    file: str
    resources: tuple[Resource, ...]


class Config(NamedTuple):
    """Everything the configuration says, in configuration order."""

    settings: Settings
    arrays: tuple[Array, ...]
    services: tuple[Service, ...]
    exporter: Listener
    webhook: Webhook
    warnings: tuple[str, ...] = ()
    """`file:line: text` of what was accepted but deserves a look."""
    remarks: tuple[str, ...] = ()
    """`file:line: text` of what is legal and unusual: said by `necism config check` alone, not at every start."""
    ignored: tuple[str, ...] = ()
    """`file:line: key` of the generic keys that were accepted and have no effect here."""

    @property
    def resources(self) -> tuple[Resource, ...]:
        """All resources, in configuration order."""
        return tuple(resource for service in self.services for resource in service.resources)

    def array(self, name: ArrayName) -> Array:
        """The array of that name; an undeclared name means the local commands under that label."""
        return next((array for array in self.arrays if array.name == name), Array(name))
