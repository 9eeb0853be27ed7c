"""Findings: a named thing wrong with one subject, with evidence and a hint; and the catalogue that explains each code.

A verdict is `up`, `warn` or `unknown` (could not tell).  Warn outranks unknown outranks up, and texts name both.
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple


class Verdict(enum.Enum):
    """The status of a pair, a resource, a service or everything."""

    UP = "up"
    WARN = "warn"
    UNKNOWN = "unknown"


_RANK: Final = {Verdict.UP: 0, Verdict.UNKNOWN: 1, Verdict.WARN: 2}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that outranks the others; up where there are none."""
    return max(verdicts, key=_RANK.__getitem__, default=Verdict.UP)


class Entry(NamedTuple):
    """What a finding code means."""

    verdict: Verdict
    hint: str
    explain: str


class Finding(NamedTuple):
    """One thing wrong with one subject: a resource, a pair (named by its LV) or an array."""

    code: str
    subject: str
    text: str
    hint: str

    @property
    def verdict(self) -> Verdict:
        """What this finding makes of its subject."""
        return CATALOGUE[self.code].verdict


def finding(code: str, subject: str, text: str, hint: str | None = None) -> Finding:
    """A finding with the catalogue's hint, unless the evidence suggests a better one."""
    return Finding(code, subject, text, CATALOGUE[code].hint if hint is None else hint)


def status_of(findings: Iterable[Finding]) -> Verdict:
    """The worst verdict among `findings`."""
    return worst(one.verdict for one in findings)


_W, _U = Verdict.WARN, Verdict.UNKNOWN

CATALOGUE: Final[Mapping[str, Entry]] = {
    "too-old": Entry(
        _W,
        "run `necism resync`, or find out why the scheduled resync did not run (`necism history`)",
        "The oldest image behind the LVs of this resource is older than sync_max_delay.",
    ),
    "skew": Entry(
        _W,
        "resync the whole resource; images taken far apart are not one consistent set",
        "The images behind the LVs of this resource were taken further apart than sync_max_skew.",
    ),
    "never-synced": Entry(
        _W,
        "run `necism resync` to take the first image",
        "The SV exists on the array but holds no image, or an image without a date.",
    ),
    "sv-missing": Entry(
        _W,
        "compare `devs` with the array: `iSMsc_query -sv NAME -svflg ld`; was the SV unbound or renamed?",
        "A complete screen of the array does not list the SV. A failed query is never reported this way.",
    ),
    "lv-missing": Entry(
        _W,
        "compare `devs` with the array: `iSMsc_linkinfo -vol SV -volflg ld -lcl`; was the LV unbound or renamed?",
        "Neither the BV's detail screen nor its link list knows the LV, and it was never seen there before.",
    ),
    "detached": Entry(
        _W,
        "hosts see no data behind this LV; run `necism resync`, or `necism relink` to link it as it is",
        "The LV exists but shows no SV. Hosts get errors or no data from it until it is linked.",
    ),
    "wrong-link": Entry(
        _W,
        "somebody linked the LV to another SV; relink it by hand or correct `devs`",
        "The LV shows an SV that is not one of its pair. The word `link` alone proves nothing: the partner counts.",
    ),
    "access-changed": Entry(
        _W,
        "relink the LV with the access you want, or declare `access` in the service file",
        "Hosts have another access to the LV than declared, or (access = keep) than at the last verified resync.",
    ),
    "changing": Entry(
        _W,
        "look at the array: an operation that takes this long may have failed",
        "The SV has been in a transitional state for longer than changing_grace, or nobody can tell for how long.",
    ),
    "restoring": Entry(
        _W,
        "wait for the restore to end; nothing is changed on this BV meanwhile",
        "A restore from an SV of this BV back onto the BV is running.",
    ),
    "fault": Entry(
        _W,
        "check the pool's free space and the array's messages, then run `necism resync` to take a new image",
        "The array says the SV is faulty: its image cannot be relied on.",
    ),
    "bv-not-normal": Entry(
        _W,
        "look at the base volume on the array; no image is taken of it until it is normal",
        "The base volume's state is anything but `normal`.",
    ),
    "unexpected-state": Entry(
        _W,
        "find out what the word means; if it is harmless, classify it with `words` in the [array] section",
        "The array shows a word in a judged field that nobody has decided about. It blocks every change.",
    ),
    "future": Entry(
        _W,
        "check the array's clock and the `timezone` of its [array] section",
        "The image is dated further in the future than future_tolerance, so its age cannot be trusted.",
    ),
    "device-changed": Entry(
        _W,
        "check multipath and mounts on the host before using the LV",
        "The special file or the WWN behind the LV is not the one that hosts knew before the last run.",
    ),
    "unfinished": Entry(
        _W,
        "look at `necism history`, then end the run with `necism resume`; where it cannot, with `necism abandon`",
        "A resync began and has no end, and the process that ran it is gone. LVs may be detached.",
    ),
    "stuck": Entry(
        _W,
        "look at the process named in `necism history` and at the array; do not kill running iSM commands",
        "A resync is still running past the deadline it gave itself.",
    ),
    "mixed": Entry(
        _W,
        "run `necism resync --force`: some LVs show the new image, others an old one or none",
        "The last run of this resource ended with images of different points in time.",
    ),
    "unreadable": Entry(
        _U,
        "run `necism capture DIR` and compare the screen with what the finding quotes",
        "The command answered, but its screen could not be read where it matters.",
    ),
    "query-failed": Entry(
        _U,
        "run the quoted command by hand on this host",
        "A query did not succeed. Nothing is concluded from that about the volumes.",
    ),
    "timed-out": Entry(
        _U,
        "the array or its path may hang; run the quoted command by hand and watch how long it takes",
        "A query did not answer before its deadline.",
    ),
    "stale": Entry(
        _U,
        "check the collector (`necism collect`) and its timer, and its rights to write run_dir",
        "The newest reading of the array is older than stale_after: nobody knows the present state.",
    ),
    "journal-unreadable": Entry(
        _U,
        "look at the named file; no run starts until `necism abandon` sets it aside, unchanged",
        "A journal file of this resource is damaged in a place that a crash does not explain.",
    ),
}
