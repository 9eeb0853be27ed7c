"""Every key of the configuration told to people: its form, its default and what it means.

The one source of `necism explain KEY`, of necism.conf(5) and necism-service(5), and of docs/configuration.md.  The
readers are `config_resource.py`, `config_settings.py` and `config_arrays.py`; a test holds this table against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Key(NamedTuple):
    """One key of a section."""

    name: str
    form: str
    """How its value is written."""
    default: str | None
    """As `necism config show` prints it; None = there is none: the key is mandatory, or OpenSVC's own."""
    means: str


class Part(NamedTuple):
    """One kind of section."""

    title: str
    about: str
    keys: tuple[Key, ...]


_PATH: Final = "PATH"
_DURATION: Final = "DURATION"
_YES_NO: Final = "true|false"

SERVICE: Final = Part(
    "[sync#N]",
    "A section with `type = necismsnap`: pairs that are refreshed together, by one run. The other sections of the file"
    " belong to OpenSVC and are not read.",
    (
        Key(
            "devs",
            "SV[|SV...]:LV ...",
            None,
            "The pairs, separated by blanks or commas: the SV that each LV is to show. Alternatives take turns: the one"
            " that no LV shows is created anew while the other is still shown: the LV is away for a switch only."
            " An SV or LV has one place on an array. Mandatory.",
        ),
        Key(
            "sync_max_delay",
            "MINUTES|DURATION",
            "1d1h",
            "The age of the oldest shown image above which the resource is warn.",
        ),
        Key(
            "sync_min_delay",
            "MINUTES|DURATION",
            "30m",
            "The oldest shown image must be as old for a resync to begin; 0 = off, --force bypasses it.",
        ),
        Key("sync_max_skew", "MINUTES|DURATION", "4h", "The widest distance between the shown images of the resource."),
        Key(
            "array",
            "NAME",
            "default",
            "The [array NAME] section that says how the array is reached; an undeclared name means the commands of this"
            " host and labels them so.",
        ),
        Key(
            "access",
            "rw|ro|keep",
            "keep",
            "The access that an LV is linked with. `keep`: what it had; of a detached LV what is in the journal.",
        ),
        Key(
            "order",
            "set|pair",
            "set",
            "`set`: unlink all, create all, link all, so that the images are close together. `pair`: each pair through,"
            " so that each LV is away as shortly as possible.",
        ),
        Key("parallel", "NUMBER", "1", "How many base volumes are worked on at once."),
        Key(
            "automatic",
            "CALLER ...|none",
            "none",
            "Which callers that are no persons may start a resync: some of timer, nagios, icinga and alertmanager.",
        ),
        Key(
            "window",
            "[DAY[-DAY]] HH:MM-HH:MM [ZONE], ...",
            "always",
            "When automatic runs may start, such as `mon-fri 22:00-05:00 Europe/Paris`. A window over midnight belongs"
            " to the day it starts on; without a zone it is in the host's.",
        ),
        Key(
            "cooldown",
            _DURATION,
            "1h",
            "An automatic run keeps this distance from the last run that changed something.",
        ),
        Key("max_per_day", "NUMBER", "6", "How many automatic runs may begin in any 24 hours."),
        Key(
            "pre_resync",
            "COMMAND",
            "none",
            "Run before the first unlink, to stop whoever uses the LVs. Words as in a shell, which never sees them."
            " Where it fails the resync is refused. [DEFAULT] cannot supply it.",
        ),
        Key("pre_resync_timeout", _DURATION, "5m", "How long it may take."),
        Key(
            "post_resync",
            "COMMAND",
            "none",
            "Run once every LV is linked, to start them again. Once `pre_resync` was started it is owed, also after a"
            " crash, so both must bear to be run twice. [DEFAULT] cannot supply it.",
        ),
        Key("post_resync_timeout", _DURATION, "5m", "How long it may take."),
        Key(
            "in_use_check",
            "COMMAND",
            "none",
            "Must exit 0 before an LV is detached: it asks hosts that this one cannot see.",
        ),
        Key(
            "consumers",
            "none",
            "unset",
            "`none` declares that nobody uses these LVs outside runs, so that automatic callers need no `in_use_check`"
            " for an LV that this host does not see.",
        ),
        Key("run_on", "NODE ...", "any", "The nodes, as `uname -n` prints them, that may act."),
        Key(
            "disable",
            _YES_NO,
            None,
            "OpenSVC's own key: true refuses every resync (`disabled`). It is looked at as before.",
        ),
        Key(
            "tags",
            "TAG ...",
            None,
            "OpenSVC's own key: `nostatus` takes the resource out of status, check and metrics, `noaction` refuses"
            " every resync (`disabled`). Others mean nothing here.",
        ),
        Key("type", "necismsnap", None, "Makes the section one of ours. Mandatory."),
    ),
)

NECISM: Final = Part(
    "[necism]",
    "How it works on this host.",
    (
        Key("state_dir", _PATH, "/var/lib/necism", "Journals, locks and volume maps."),
        Key("run_dir", _PATH, "/run/necism", "The observation file and the spool of requests."),
        Key(
            "kill_switch",
            _PATH,
            "/etc/necism/STOP",
            "While this file exists automatic callers are refused (`killed`) and persons are warned. By default STOP in"
            " the directory of the configuration.",
        ),
        Key("max_runs_per_hour", "NUMBER", "4", "How many automatic runs of all resources may begin in any hour."),
        Key(
            "source",
            "commands|file",
            "commands",
            "`commands`: status, exporter and check run the READ commands themselves. `file`: they judge from what"
            " `necism collect` wrote, and need no rights at all. The action always reads for itself.",
        ),
        Key("stale_after", _DURATION, "15m", "The age at which an observation file is no longer believed (`stale`)."),
        Key("future_tolerance", _DURATION, "5m", "How far an image may be dated in the future (`future`)."),
        Key("changing_grace", _DURATION, "10m", "How long an SV may be in transition before it is warn (`changing`)."),
        Key("settle_timeout", _DURATION, "20m", "How long a resync waits for changing SVs and for new images."),
        Key("relink_timeout", _DURATION, "15m", "How long a link is tried again, and `resume` waits for an orphan."),
        Key("keep_history", _DURATION, "400d", "How long ended runs are kept; their counters stay."),
        Key("host_root", _PATH, "/", "Where `necism doctor` finds the files of this host, as in a container."),
    ),
)

ARRAY: Final = Part(
    "[array NAME]",
    "How one array is reached. A configuration without such a section has one array, named default, whose commands are"
    " on this host.",
    (
        Key("ism_path", _PATH, "none", "The directory of the iSM commands; none = PATH."),
        Key(
            "command_prefix",
            "COMMAND",
            "none",
            "Words in front of every iSM command, such as `sudo -n`. A unit with NoNewPrivileges cannot use sudo.",
        ),
        Key("host", "[USER@]HOST", "none", "The commands run there, by ssh; ports and keys stand in ssh_config."),
        Key("timezone", "ZONE", "the host's", "The zone of the array's clock, such as Asia/Tokyo."),
        Key("read_timeout", _DURATION, "4m", "How long a READ command may take; then its answer is unknown."),
        Key("change_timeout", _DURATION, "10m", "How long a CHANGE is waited for. It is never killed."),
        Key("parallel_commands", "NUMBER", "1", "How many READ commands are run at once."),
        Key("cache_ttl", _DURATION, "1m", "How long a reading is used again."),
        Key(
            "unique_names",
            _YES_NO,
            "false",
            "true declares that no two arrays which these commands see have a volume of one name; else a resync is"
            " refused where two are seen (`ambiguous-array`).",
        ),
        Key(
            "words",
            "WORD:CLASS, ...",
            "none",
            "Classes for words on screens that this release does not know, such as `snap/moving:changing`. None can be"
            " declared healthy.",
        ),
    ),
)

_LISTENER: Final = (
    Key("telemetry_path", "/PATH", "/metrics", "Where the metrics are."),
    Key("web_config", _PATH, "none", "TLS and users, as other exporters have them."),
)

EXPORTER: Final = Part(
    "[exporter]",
    "`necism exporter`; its options outrank these keys.",
    (Key("listen_address", "[HOST]:PORT", ":19942", "Where it listens; an IPv6 address in brackets."), *_LISTENER),
)

WEBHOOK: Final = Part(
    "[webhook]",
    "The receiver of Alertmanager's notifications.",
    (
        Key("listen_address", "[HOST]:PORT", "127.0.0.1:19943", "Where it listens; an IPv6 address in brackets."),
        *_LISTENER,
        Key("credentials_file", _PATH, "none", "What a sender must present."),
        Key("label", "NAME", "none", "The alert's label whose values `map` translates."),
        Key(
            "map",
            "VALUE=SEL, ...",
            "none",
            "Which resource a value of the label stands for, such as `erp-snap=erp/sync#1`. Nothing else of an alert"
            " reaches a command.",
        ),
    ),
)

GENERAL: Final = (NECISM, ARRAY, EXPORTER, WEBHOOK)
"""The sections of necism.conf."""
PARTS: Final = (SERVICE, *GENERAL)


def meanings(name: str) -> Mapping[str, Key]:
    """What a key means, by the section it may stand in."""
    return {part.title: key for part in PARTS for key in part.keys if key.name == name}


def names() -> tuple[str, ...]:
    """Every key, each once."""
    return tuple(dict.fromkeys(key.name for part in PARTS for key in part.keys))
