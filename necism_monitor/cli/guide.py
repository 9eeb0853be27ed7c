"""What help and man pages tell of a verb beside its arguments: what it is for, paragraphs, examples.

Every verb and every action of one has its entry, and tests run each example through the real parser.  Exit codes stand
in `explain.py`, names and meanings of options where a verb registers them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

LOOK: Final = "to see where things stand"
ACT: Final = "to refresh images and to repair"
SERVE: Final = "for monitoring"
CALL: Final = "for automatic callers"
BUILD: Final = "to set up, to try, to report"
GROUPS: Final = (LOOK, ACT, SERVE, CALL, BUILD)
"""The purposes, in the order of the list of commands."""


class Example(NamedTuple):
    """A command line that can be typed, and what it does."""

    line: str
    does: str


class Guide(NamedTuple):
    """What is told of one verb or action."""

    group: str
    about: str
    """Paragraphs below the first sentence, with blank lines between them."""
    examples: tuple[Example, ...]
    section: int = 1
    """Of the manual: 8 for what an init system or a timer starts."""

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """Each on one line."""
        return tuple(" ".join(text.split()) for text in self.about.split("\n\n") if text.strip())


GUIDES: Final[Mapping[str, Guide]] = {
    "": Guide(
        "",
        """
        Watches sets of snapshot volumes (SV) that are shown to hosts through link volumes (LV), and
        refreshes them: unlink, create, link, guarded, journalled and verified by a second reading.

        A selector is SERVICE, the name of a service file without its ending, or SERVICE/sync#1, one section
        of it.
        """,
        (
            Example("necism status", "Where everything stands, with what is wrong and what to do."),
            Example("necism resync erp/sync#1 --dry-run", "What a refresh would send, or why it may not begin."),
            Example("necism explain too-old", "What a finding means."),
            Example("necism demo", "The whole story on a simulated array, without rights."),
        ),
    ),
    "status": Guide(
        LOOK,
        """
        Reads the arrays with READ commands, or the observation file where `source = file`, and prints every
        resource with its pairs, its findings and its running or unfinished runs. Nothing is changed.

        On a terminal the table is coloured where the library rich is installed and NO_COLOR is not set;
        elsewhere it is plain columns.
        """,
        (
            Example("necism status", "Everything that is configured."),
            Example("necism status erp billing/sync#2", "One service, and one resource of another."),
            Example("necism status --json", "The same for programs; docs/schema/status.json describes it."),
        ),
    ),
    "resync": Guide(
        ACT,
        """
        One run a resource, in file order: guards, `pre_resync`, unlink, create, link, verification,
        `post_resync`. What may not begin is refused with a code, evidence and a hint, and nothing was
        changed.

        Every step is in the journal before it is done. A run that is cut off stays open: `necism resume`
        ends it. After several resources the exit code is the worst; after a 5 or a 6 no further one is
        begun.
        """,
        (
            Example("necism resync erp/sync#1 --dry-run", "Print every command and the hash of the plan, run none."),
            Example(
                "necism resync erp/sync#1 --plan 0123456789abcdef",
                "Refuse unless it is still the plan that was printed.",
            ),
            Example(
                "necism resync erp --wait 10m --reason 'before the upgrade'", "Wait for the lock up to ten minutes."
            ),
            Example("necism resync erp --trigger timer", "As a timer: windows, cooldown and budgets count."),
            Example(
                "necism resync erp/sync#1 --trigger alertmanager --key 9e107d9d372bb682",
                "As an alert: the key starts one run, and only where a new image is what is missing.",
            ),
        ),
    ),
    "syncresync": Guide(
        ACT,
        """
        The spelling of old scripts: stop the application, syncresync, start it again. A resource that is
        too young by `sync_min_delay` is left alone, and that is a success.
        """,
        (
            Example("necism syncresync erp", "Refresh what is old enough."),
            Example("necism syncresync erp --force", "Refresh whatever its age; every other guard holds."),
        ),
    ),
    "resume": Guide(
        ACT,
        """
        Reads the array and links every LV that the run left detached. It never creates an image, and waits
        for a command that the dead run left behind, up to `relink_timeout`.

        A `post_resync` that the run still owes is run once every LV is linked.
        """,
        (
            Example("necism resume erp/sync#1", "End what a crash cut off."),
            Example("necism resume erp --json", "The same, with the run as JSON."),
        ),
    ),
    "relink": Guide(
        ACT,
        """
        The rescue that needs no journal: each detached LV whose SV is snap/active is linked, and nothing
        else is done. While a run is unfinished it refuses: `necism resume` knows more.
        """,
        (Example("necism relink erp/sync#1", "Give the hosts their devices back."),),
    ),
    "abandon": Guide(
        ACT,
        """
        For a run that cannot be ended any other way, by decision of a person. Nothing is changed on the
        array. A damaged journal is renamed to *.damaged, never deleted.
        """,
        (Example("necism abandon erp/sync#1 --reason 'array replaced, LVs linked by hand'", "Close it, and say why."),),
    ),
    "history": Guide(
        LOOK,
        """
        From the journals alone: who asked, why, every step with its times, how long each LV was detached,
        which images are shown since, and what was refused.
        """,
        (
            Example("necism history", "Everything that is still kept."),
            Example("necism history erp/sync#1 --json", "One resource, for programs."),
        ),
    ),
    "request": Guide(
        CALL,
        """
        Leaves one small file in the spool, `run_dir`/requests, for who may write there: root and the members
        of its group. It decides nothing. The same request twice is one, and its key starts one run.
        """,
        (Example("necism request erp/sync#1 --trigger icinga --key 1414995.123", "Ask because of that problem."),),
    ),
    "event": Guide(
        CALL,
        """
        Stands behind event_handler of Nagios or in an EventCommand of Icinga, each macro as one argument. A
        HARD WARNING or CRITICAL that is neither acknowledged nor in downtime becomes a request, once a
        problem; everything else does nothing, macros that were not expanded included. What a request starts
        is decided by `necism dispatch`, which reads the array.

        It says one line on standard error. Where a request could not be left, syslog hears it too.
        packaging/nagios and packaging/icinga2 hold the whole lines.
        """,
        (
            Example("necism event nagios --state OK --state-type HARD erp", "A recovery: say so, and do nothing."),
            Example("necism event icinga --state CRITICAL --state-type SOFT erp", "Not yet a problem: the same."),
        ),
        8,
    ),
    "dispatch": Guide(
        CALL,
        """
        Takes every request out of the spool and tries it as `necism resync` would: with the same guards, one
        at a time an array. What waits for a window, a cooldown, a budget or a lock is kept and tried again,
        up to eight days; every other refusal is recorded and ends the request.

        Without --loop it ends when nothing is left that can be decided now. A path unit starts it, and a
        timer for what waits. Killed at any moment it loses no request, and no key runs twice.
        """,
        (
            Example("necism dispatch", "Carry out what there is."),
            Example("necism dispatch --loop", "Stay; SIGTERM ends it, SIGHUP tries at once what waits."),
        ),
        8,
    ),
    "explain": Guide(
        LOOK,
        """
        Knows every finding, every refusal, every exit code and every key of the configuration.
        """,
        (
            Example("necism explain", "All there is to ask about."),
            Example("necism explain wrong-link", "A finding that is a refusal as well."),
            Example("necism explain 6", "A number that something ended with."),
            Example("necism explain sync_max_skew", "A key of a service file."),
        ),
    ),
    "collect": Guide(
        SERVE,
        """
        For `source = file`: a timer runs it with the rights that the iSM commands need, and status,
        exporter and check judge from what it leaves in `run_dir`, without running anything. Each array is
        saved as soon as it was read, also where another could not be.
        """,
        (Example("necism collect", "Read everything once."),),
        8,
    ),
    "exporter": Guide(
        SERVE,
        """
        Metrics for Prometheus under /metrics, a status page for people under /. SIGHUP reads the
        configuration again, SIGTERM ends it. Nothing that it serves changes an array.
        """,
        (
            Example("necism exporter", "Listen on port 19942 of every address."),
            Example("necism exporter --web.listen-address 127.0.0.1:19942", "On this host alone."),
            Example("necism exporter --web.config.file /etc/necism/web.yml", "With TLS and users, by this file."),
        ),
        8,
    ),
    "webhook": Guide(
        SERVE,
        """
        Takes what Alertmanager delivers to /, and leaves a request in the spool for each alert that the
        section [webhook] maps to a selector. It holds no rights: `necism dispatch` decides what comes of it.
        On another address than one of this host it wants TLS, and users, a token or client certificates.
        SIGHUP reads the configuration again, SIGTERM ends it.
        """,
        (
            Example("necism webhook", "Listen on 127.0.0.1:19943."),
            Example("necism webhook --web.listen-address :19943 --web.config.file web.yml", "For others, by TLS."),
        ),
        8,
    ),
    "doctor": Guide(
        BUILD,
        """
        Looks at everything that readings and resyncs stand on: programs, the iSM service, the volume list,
        arrays and volumes, devices, clocks, rights, journals, words and labels that nobody has recorded, and
        others who drive the same volumes. It asks with READ commands and writes nothing. Each item has its
        evidence; what could not be checked is `unknown`, never `ok`. docs/doctor.md tells how each is known.

        With --fix the volume list of each host is reset first, under the locks of its arrays: never during a
        run, and not while an unfinished one can be resumed.
        """,
        (
            Example("necism doctor", "What is missing on this host, and what to do about it."),
            Example("necism doctor --json", "The same for programs; docs/schema/doctor.json describes it."),
            Example("necism doctor --fix", "Run `iSMvollist -r` under the lock, then look at everything."),
        ),
    ),
    "capture": Guide(
        BUILD,
        """
        Nothing is changed on the array. The directory gets two text files a command, its standard output
        and its standard error, and index.json; a command that fails is recorded like one that does not.
        """,
        (
            Example("necism capture /tmp/screens", "What every READ command says, raw."),
            Example("necism capture /tmp/screens --redact", "With other names for volumes and arrays, and other WWNs."),
        ),
    ),
    "config": Guide(
        BUILD,
        """
        Reads the configuration and asks no array.
        """,
        (
            Example("necism config check", "Every mistake at once, with file, line and rule."),
            Example("necism config show", "Every value in force, and where it comes from."),
        ),
    ),
    "config check": Guide(
        "",
        """
        All problems are listed at once, each with file, line, rule and hint, then what is doubtful or
        ignored.
        """,
        (
            Example("necism config check", "That of this host."),
            Example("necism config check --config ./new", "One that is not in place yet."),
        ),
    ),
    "config show": Guide(
        "",
        """
        The origin is a file and line, an option, a variable, or default. Of credentials only the path is
        shown.
        """,
        (Example("necism config show", "Every key of every section."),),
    ),
    "simulator": Guide(
        BUILD,
        """
        A simulated array is a directory with commands behind the real ones' names; nothing of this host is
        touched.
        """,
        (
            Example("necism simulator list", "What it can hold."),
            Example("necism simulator create /tmp/array", "Make one."),
        ),
    ),
    "simulator list": Guide(
        "",
        """
        A scenario says what the array holds, how old its images are and what goes wrong on it.
        """,
        (Example("necism simulator list", "Every scenario with its description."),),
    ),
    "simulator create": Guide(
        "",
        """
        Prints what to type next. The device names that it shows never exist on this host.
        """,
        (
            Example("necism simulator create /tmp/array --scenario stale", "A set that is too old."),
            Example("necism simulator create /tmp/array --latency seed", "With the times of a real log."),
            Example("necism simulator create /tmp/array --force", "Replace the one that is there."),
        ),
    ),
    "demo": Guide(
        BUILD,
        """
        Status, check, resync with its progress, history, then exporter and page until Ctrl-C. Each step is
        shown as it would be typed; the simulated array is removed at the end.
        """,
        (
            Example("necism demo", "Until Ctrl-C."),
            Example("necism demo --once", "End by itself once exporter and page have answered."),
        ),
    ),
}
"""By the words behind `necism`; the empty name is `necism` itself."""


class Variable(NamedTuple):
    """A variable of the environment and what it does."""

    name: str
    does: str


ENVIRONMENT: Final = (
    Variable("NECISM_CONFIG", "The configuration, as --config."),
    Variable("NECISM_ISM_PATH", "The directory of the iSM commands, as --ism-path."),
    Variable("NECISM_STATE_DIR", "As --state-dir."),
    Variable("NECISM_RUN_DIR", "As --run-dir."),
    Variable("NECISM_LOG_LEVEL", "As --log.level."),
    Variable("NECISM_LOG_FORMAT", "As --log.format."),
    Variable("NO_COLOR", "Not empty: no colours, whatever else is set."),
    Variable("FORCE_COLOR", "Not empty: tables are coloured also where standard output is no terminal."),
    Variable("TERM", "dumb or unknown: plain columns and no moving line of progress."),
    Variable("COLUMNS", "A help is as wide, if that is less than 79 columns."),
)
"""An option outranks its variable, and that outranks necism.conf."""


class Place(NamedTuple):
    """A file or directory that a user may look for."""

    path: str
    holds: str


PLACES: Final = (
    Place("/etc/necism/necism.conf", "How it works on this host; optional. See necism.conf(5)."),
    Place("/etc/necism/services/*.conf, *.env", "One file a service. See necism-service(5)."),
    Place("/etc/necism/STOP", "While it exists automatic callers are held (`kill_switch`)."),
    Place("/etc/necism/ssh_config", "For ssh, where an [array] section names a host; optional."),
    Place("/var/lib/necism", "Journals, locks and volume maps (`state_dir`)."),
    Place("/run/necism/requests", "The spool: requests of those who hold no rights (`run_dir`)."),
    Place("/run/necism/observation.json", "The last reading of `necism collect` and of the action (`run_dir`)."),
)
