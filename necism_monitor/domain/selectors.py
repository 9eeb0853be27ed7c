"""Selectors: how a person, an alert or an event names resources, as `SERVICE` or `SERVICE/sync#1`."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.model import Config, Resource


class Selector(NamedTuple):
    """A service, or one resource of it; prints as it is written."""

    service: str
    resource: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `SERVICE` or `SERVICE/sync#N`.  Raises UsageError for any other form."""
        service, slash, resource = text.partition("/")
        if not service or (slash and not resource) or "/" in resource:
            raise UsageError(f"{text!r} is no selector", "write SERVICE or SERVICE/sync#1")
        return cls(service, resource or None)

    def matches(self, resource: Resource) -> bool:
        """Whether `resource` is meant."""
        return self.service == resource.service and self.resource in {None, resource.name}

    def __str__(self) -> str:
        """`SERVICE` or `SERVICE/sync#N`."""
        return self.service if self.resource is None else f"{self.service}/{self.resource}"


def select(
    config: Config, texts: Sequence[str], *, allow_all: bool, include_hidden: bool = False
) -> tuple[Resource, ...]:
    """The resources that `texts` name, each once, in configuration order.

    Without texts all of them where `allow_all` (reading verbs).  Resources tagged `nostatus` are left out unless
    `include_hidden` (acting verbs).  Raises UsageError where nothing is named and where a text matches nothing.
    """
    if not texts:
        if not allow_all:
            raise UsageError("no resource is named", "name a SERVICE or SERVICE/sync#1; `necism status` lists them")
        return tuple(one for one in config.resources if include_hidden or not one.hidden)
    chosen: set[str] = set()
    for text in texts:
        chosen.update(one.id for one in _matching(config, text, include_hidden=include_hidden))
    return tuple(one for one in config.resources if one.id in chosen)


def suggest(wrong: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The nearest of `known` to `wrong`, whatever the case; None where nothing is as like, from 0 to 1, as asked."""
    import difflib  # noqa: PLC0415 - slow to import, and needed only where something is wrong

    folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(wrong.casefold(), folded, n=1, cutoff=likeness)
    return folded[near[0]] if near else None


def _matching(config: Config, text: str, *, include_hidden: bool) -> list[Resource]:
    selector = Selector.parse(text)
    found = [one for one in config.resources if selector.matches(one)]
    if not found:
        raise UsageError(f"nothing is named {text!r}", _guess(config, text))
    shown = [one for one in found if include_hidden or not one.hidden]
    if not shown:
        raise UsageError(f"{text!r} is hidden from reading by its tag nostatus", "take the tag out of its section")
    return shown


def _guess(config: Config, text: str) -> str:
    """A full name is compared with full names, a service with services."""
    shows = next((one.id for one in config.resources for pair in one.pairs if text in {pair.lv, *pair.svs}), None)
    if shows is not None:
        return f"this volume belongs to {shows!r}: name that"
    names = [one.id for one in config.resources] if "/" in text else [one.name for one in config.services]
    near = suggest(text, names)
    if near is not None:
        return f"did you mean {near!r}?"
    few = ", ".join(one.name for one in config.services[:5])
    return f"configured services: {few}{', ...' if len(config.services) > 5 else ''}"  # noqa: PLR2004 - a line's worth
