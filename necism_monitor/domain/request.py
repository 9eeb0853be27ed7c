"""Requests: what a caller without rights asks for in a file, and what is owed to one resource because of it.  Pure.

A request holds a selector, a trigger and a key, and nothing else: no command, no volume, no state.  Whether anything is
done about it is decided by whoever reads it, from the configuration, the journal and the array.
"""

from __future__ import annotations

import enum
import json
from hashlib import sha256
from typing import Any, Final, NamedTuple

from necism_monitor.domain.automation import KEY_MAX, is_key
from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.model import ALARMS, DAY
from necism_monitor.domain.names import NameRuleError, ResourceName, ServiceName
from necism_monitor.domain.selectors import Selector

VERSION: Final = 1
SIZE_MAX: Final = 4096
"""Bytes of a request file; none of ours is longer."""
SELECTOR_MAX: Final = 300
WAITING: Final = frozenset({"outside-window", "cooling-down", "over-budget", "locked"})
"""Refusals that end by themselves, without a person and without a reading: the request waits for that."""
PATIENCE: Final = 8 * DAY
"""Seconds for which a request waits: a window that opens once a week is waited for."""
_SUFFIX: Final = ".json"
_NAME_DIGITS: Final = 40


class Put(enum.Enum):
    """What became of a request that was put into the spool."""

    NEW = "new"
    KNOWN = "known"
    """The same was asked before and is not yet taken: one of them is enough."""


class Request(NamedTuple):
    """Somebody asks for a resync of `selector` because of the problem `key`; made by `asked`, which checks it."""

    selector: str
    trigger: str
    key: str

    @property
    def name(self) -> str:
        """Its file's name: nothing of what was asked for becomes part of a path."""
        return file_name(self.trigger, self.selector, self.key)


class Found(NamedTuple):
    """What lies in the spool under one name; without a `request` it is refused, for the reason `why`."""

    name: str
    user: str
    """Who owns the file, for people."""
    request: Request | None = None
    why: str = ""


class Errand(NamedTuple):
    """A request, as far as it concerns one resource; kept until it is decided."""

    resource: str
    """`SERVICE/sync#N`."""
    trigger: str
    key: str
    user: str
    """Who asked."""
    asked_at: float
    """Seconds since the epoch."""
    told: str | None = None
    """The refusal that is on record already, and whose end it waits for."""

    @property
    def name(self) -> str:
        """Its file's name."""
        return file_name(self.trigger, self.resource, self.key)

    def too_old(self, now: float) -> bool:
        """Whether it has waited for longer than anybody means it."""
        return now - self.asked_at > PATIENCE

    def __str__(self) -> str:
        """`nagios, key 4711`."""
        return f"{self.trigger}, key {self.key}"


def file_name(trigger: str, subject: str, key: str) -> str:
    """The same three give the same name, and nobody can choose it."""
    digest = sha256(f"{trigger}\0{subject}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()
    return digest[:_NAME_DIGITS] + _SUFFIX


def asked(selector: str, trigger: str, key: str) -> Request:
    """A request.  Raises UsageError for a caller, a selector or a key that cannot be one."""
    if trigger not in ALARMS:
        raise UsageError(f"{trigger!r:.80} is no caller of requests", f"name one of {', '.join(ALARMS)}")
    if not is_key(key):
        raise UsageError(f"{key[:KEY_MAX]!r} is no key", f"write 1 to {KEY_MAX} printable characters")
    if len(selector) > SELECTOR_MAX:
        raise UsageError(f"a selector of {len(selector)} characters", f"at most {SELECTOR_MAX} are allowed")
    named = Selector.parse(selector)
    try:
        ServiceName(named.service)
        if named.resource is not None:
            ResourceName(named.resource)
    except NameRuleError as error:
        raise UsageError(f"{selector!r} is no selector: {error.rule}", "write SERVICE or SERVICE/sync#1") from error
    return Request(selector, trigger, key)


def write_request(request: Request) -> bytes:
    """The content of its file."""
    return _line({"version": VERSION, **request._asdict()})


def read_request(name: str, data: bytes) -> Request:
    """The request in the file `name`.  Raises ValueError with a sentence where there is none, to the letter."""
    record = _record(data, set(Request._fields))
    texts = [record[field] for field in Request._fields]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a value that is no text")
    try:
        request = asked(*texts)
    except UsageError as error:
        raise ValueError(error.text) from error
    if request.name != name:
        raise ValueError("its name is not that of what it asks for")
    return request


def write_errand(errand: Errand) -> bytes:
    """The content of its file."""
    return _line({"version": VERSION, **errand._asdict()})


def read_errand(data: bytes) -> Errand:
    """The errand in a file of ours.  Raises ValueError for a damaged one."""
    record = _record(data, set(Errand._fields))
    match record:
        case {
            "resource": str(), "trigger": str(), "key": str(), "user": str(), "asked_at": int() | float(),
            "told": str() | None,
        }:  # fmt: skip
            return Errand(**{field: record[field] for field in Errand._fields})
        case _:
            raise ValueError("a value of another kind than expected")


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _record(data: bytes, fields: set[str]) -> dict[str, Any]:
    """An object of version 1 with exactly these keys.  Raises ValueError."""
    try:
        record = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:
        raise ValueError("no JSON, or only a part of it") from error
    if not isinstance(record, dict):
        raise ValueError("no object")  # noqa: TRY004 - the caller asks for ValueError: the text is wrong
    version = record.pop("version", None)
    if type(version) is not int or version != VERSION:
        raise ValueError(f"version {version!r:.40}, not {VERSION}")
    if set(record) != fields:
        raise ValueError("other keys than those of a request")
    return record
