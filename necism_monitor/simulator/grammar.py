"""The command lines that the simulated commands accept: the forms on record, options in any order, only `ld`."""

from __future__ import annotations

from necism_monitor.simulator.operations import UNSUPPORTED, Refused

CLASSES = {
    "iSMsc_query": "READ",
    "iSMsc_linkinfo": "READ",
    "iSMview": "READ",
    "iSMcc_view": "READ",
    "iSMsc_unlink": "CHANGE",
    "iSMsc_create": "CHANGE",
    "iSMsc_link": "CHANGE",
    "iSMsc_delete": "CHANGE",
    "iSMsc_restore": "CHANGE",
    "iSMsc_svguard": "CHANGE",
    "iSMvollist": "HOST",
}
COMMANDS = tuple(CLASSES)

# A form is the exact set of options of one command line; those in VALUED take a word.
VALUED = ("-bv", "-sv", "-lv", "-vol", "-bvflg", "-svflg", "-lvflg", "-volflg", "-lvacc", "-all")
FORMS: dict[str, tuple[frozenset[str], ...]] = {
    "iSMsc_query": (
        frozenset({"-sv", "-svflg"}),
        frozenset({"-sv", "-svflg", "-summary"}),
        frozenset({"-bv", "-bvflg"}),
        frozenset({"-bv", "-bvflg", "-detail"}),
        frozenset({"-bv", "-bvflg", "-sv", "-svflg", "-summary"}),
    ),
    "iSMsc_linkinfo": (frozenset({"-vol", "-volflg", "-lcl"}),),
    "iSMsc_unlink": (frozenset({"-lv", "-lvflg"}),),
    "iSMsc_create": (frozenset({"-bv", "-bvflg", "-sv", "-svflg"}),),
    "iSMsc_link": (
        frozenset({"-lv", "-lvflg", "-sv", "-svflg"}),
        frozenset({"-lv", "-lvflg", "-sv", "-svflg", "-lvacc"}),
    ),
    "iSMview": (frozenset({"-d"}), frozenset({"-all"})),
    "iSMcc_view": (frozenset({"-d"}), frozenset({"-all"})),
    "iSMvollist": (frozenset({"-r"}),),
}
ACCESS = ("rw", "ro")


def parse(name: str, words: list[str]) -> dict[str, str]:
    """The options of a command line, flags with an empty value; raises Refused for everything not on record."""
    if name not in FORMS:
        raise Refused(UNSUPPORTED, "the command is not supported by this simulated array.")
    known = frozenset().union(*FORMS[name])
    options = _collect(words, known)
    _check_values(options)
    if options.keys() not in FORMS[name]:
        missing = min((form - options.keys() for form in FORMS[name]), key=len)
        hint = f" missing: {' '.join(sorted(missing))}" if missing else ""
        raise Refused(UNSUPPORTED, f"the combination of options is not supported.({' '.join(options)}){hint}")
    return options


def _collect(words: list[str], known: frozenset[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word not in known:
            raise Refused(UNSUPPORTED, f"the option is not supported.({word})")
        if word in options:
            raise Refused(UNSUPPORTED, f"the option is specified twice.({word})")
        value = next(rest, None) if word in VALUED else ""
        if value is None or value.startswith("-"):
            raise Refused(UNSUPPORTED, f"the option needs a value.({word})")
        options[word] = value
    return options


def _check_values(options: dict[str, str]) -> None:
    for option, value in options.items():
        if option.endswith("flg") and value != "ld":
            raise Refused(UNSUPPORTED, f"the value of the option is not supported.({option} {value})")
    if options.get("-lvacc", "rw") not in ACCESS:
        raise Refused(UNSUPPORTED, f"the value of the option is not supported.(-lvacc {options['-lvacc']})")
