"""Refusals: why a run does not start, by code, with what each means and what to do about it."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Refusal(NamedTuple):
    """Why a run does not start."""

    code: str
    text: str
    hint: str

    @property
    def exit(self) -> int:
        """The exit code: 3 refused; 4 too soon, not needed or done before; 7 locked."""
        return EXITS.get(self.code, 3)


EXITS: Final[Mapping[str, int]] = {"too-soon": 4, "not-needed": 4, "key-spent": 4, "locked": 7}


class Entry(NamedTuple):
    """What a refusal code means."""

    hint: str
    explain: str


CATALOGUE: Final[Mapping[str, Entry]] = {
    "run-on": Entry(
        "run it on one of the nodes named in `run_on`",
        "The resource may only be refreshed by certain nodes, and this is none of them.",
    ),
    "disabled": Entry(
        "remove `disable = true` or the tag `noaction` from the section if a resync is wanted",
        "The service file says that this resource is not to be refreshed.",
    ),
    "unfinished": Entry(
        "look at `necism history`, then end the run with `necism resume`; where it cannot, with `necism abandon`",
        "An earlier run began and has no end, and its process is gone. Nothing new starts on top of it.",
    ),
    "journal-unreadable": Entry(
        "look at the named file; no run starts until `necism abandon` sets it aside, unchanged",
        "The journal of this resource is damaged, so nobody knows what an earlier run left behind.",
    ),
    "locked": Entry(
        "wait for it to end; `necism resync --wait DURATION` waits by itself",
        "Another run holds the lock of this array, or a command that it started still works on the array.",
    ),
    "not-automatic": Entry(
        "name the caller in `automatic` of the section if it may start this resource, or ask for the run by hand",
        "The section does not allow this caller to start a run; without `automatic` only a person may.",
    ),
    "key-spent": Entry(
        "nothing: one problem starts at most one run of a resource; `necism history` shows the one it started",
        "A run of this resource with the same key has begun to change the array before, or is running.",
    ),
    "killed": Entry(
        "remove the file named by `kill_switch` once automatic runs are wanted again; a person may run it meanwhile",
        "The kill switch is set, or nobody can tell whether it is: it holds every caller that is no person.",
    ),
    "outside-window": Entry(
        "wait for the window, change `window` in the section, or ask for the run by hand",
        "Automatic runs of this resource may only start within `window`, and this is none of its times.",
    ),
    "cooling-down": Entry(
        "wait, change `cooldown` in the section, or ask for the run by hand",
        "The last run of this resource that changed the array ended less than `cooldown` ago.",
    ),
    "over-budget": Entry(
        "find out why so many runs are asked for (`necism history`), or ask for the run by hand",
        "As many automatic runs as `max_per_day` or `max_runs_per_hour` allow have begun a change or a hook already.",
    ),
    "prerequisite": Entry(
        "install what is missing where the commands run (iSMccs.rpm), or set `ism_path` or `command_prefix`",
        "A command that reads the array is missing where it is to run (here or on `host`), or may not be executed.",
    ),
    "ambiguous-array": Entry(
        "set `unique_names = true` in the [array] section once no volume name exists on two of them",
        "This host sees more than one disk array, and commands name volumes without naming an array.",
    ),
    "state-unreadable": Entry(
        "run `necism status` and the quoted command by hand",
        "The state of a volume that the run would touch could not be read. Nothing is changed on an unread state.",
    ),
    "unexpected-state": Entry(
        "find out what the word means; if it is harmless, classify it with `words` in the [array] section",
        "The array shows a word in a judged field that nobody has decided about.",
    ),
    "not-found": Entry(
        "compare `devs` with the array",
        "A complete screen of the array does not list an SV or LV of this resource.",
    ),
    "wrong-bv": Entry(
        "correct `devs`: an LV can only show SVs of its own BV",
        "The SV and the LV of a pair belong to different base volumes.",
    ),
    "wrong-link": Entry(
        "somebody linked the LV to another SV; relink it by hand or correct `devs`",
        "An LV shows an SV that is not one of its pair: unlinking it would take away what somebody else uses.",
    ),
    "sv-shown-elsewhere": Entry(
        "find out who uses the other LV; an SV is never re-created while it is shown",
        "Another LV shows the SV that would be re-created.",
    ),
    "sv-guarded": Entry(
        "take the guard off on the array if the image may be replaced",
        "The SV is protected on the array (SV Guard).",
    ),
    "bv-not-normal": Entry(
        "look at the base volume on the array",
        "The state of a base volume is anything but normal: no image is taken of it.",
    ),
    "restoring": Entry(
        "wait for the restore to end",
        "A restore onto the base volume is running: nothing is changed on it.",
    ),
    "changing": Entry(
        "wait for the operation to end, or look at the array if it does not",
        "An SV of the base volume is still in a transitional state after settle_timeout.",
    ),
    "access-unknown": Entry(
        "declare `access = rw` or `access = ro` in the section",
        "access = keep, but the access to give back is not known, or is neither rw nor ro.",
    ),
    "too-soon": Entry(
        "give `--force` if a new image is wanted all the same",
        "The oldest image shown is younger than sync_min_delay.",
    ),
    "not-needed": Entry(
        "nothing: the problem is over, or was never one of age, skew or a missing image",
        "An alarm asked for this run, but the array shows nothing that is wrong with this resource.",
    ),
    "needs-person": Entry(
        "look at the findings with `necism status`; a person may run `necism resync` all the same",
        "An alarm asked for this run, but something else than age, skew or a missing image is wrong too.",
    ),
    "plan-changed": Entry(
        "read the new plan with `--dry-run` and give its hash",
        "The commands that would run now are not those of the plan whose hash was given.",
    ),
    "pre-resync-failed": Entry(
        "look at what the command said in the log, and run it by hand",
        "The command of `pre_resync`, which is to stop the consumers, failed or did not end in time.",
    ),
    "in-use": Entry(
        "stop what uses the LV, or let `pre_resync` do it; where this host does not see the LV, set `in_use_check` or "
        "`consumers = none`",
        "An LV that would be detached is used, or an automatic caller cannot prove that it is not.",
    ),
    "unknown-selector": Entry(
        "correct the name where it was written: in the handler's command, or in `map` of [webhook]",
        "A request in the spool names a service or a resource that the configuration does not know.",
    ),
    "request-rejected": Entry(
        "find out who left it there: only `necism request`, `necism event` and the webhook write into the spool",
        "A file in the spool is no request, or belongs to nobody who may ask. It was taken away unread or undone.",
    ),
}
"""Every refusal this release can give, in the order in which the guards are asked; the last two before all guards."""


def refusal(code: str, text: str, hint: str | None = None) -> Refusal:
    """A refusal with the catalogue's hint, unless the evidence suggests a better one."""
    return Refusal(code, text, CATALOGUE[code].hint if hint is None else hint)
