"""Whatever a payload holds, nothing of it but a key comes into the spool, and nothing at all to the array."""

from __future__ import annotations

import re
import subprocess
from typing import Any, Final

import pytest
from hypothesis import strategies as st

from necism_monitor.simulator.calls import read_calls
from tests.loops.chain import CHANGES, SEL, STALE, Chain, requests_in
from tests.property.profiles import Profile, both
from tests.web.ages import age
from tests.web.rig import GENEROUS, Exporter, environment
from tests.webhook.payloads import STARTED, alert, payload

CANARY: Final = "canary"
"""Stands in every text of a hostile payload."""
SPICES: Final = (
    "$(touch {})", "`{}`", "; {} #", "--{}", "../../{}", "{}/sync#1", "erp-preprod/sync#1\n{}", "\x00{}", "\u202e{}",
    "iSMsc_create -sv {}", "%s{}", "{{{{{}}}}}", "'{}\"", "{}\ud7ff",
)  # fmt: skip
TEXTS: Final = st.sampled_from(SPICES).map(lambda text: text.format(CANARY)) | st.text(max_size=8).map(
    lambda text: f"{CANARY}{text}"
)
VALUES: Final = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers(-9, 10**9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
LABELS: Final = st.fixed_dictionaries(
    {"service": st.sampled_from(["erp-preprod", SEL, f"{CANARY}", "ERP-PREPROD"]) | TEXTS},
    optional=dict.fromkeys(("alertname", "resource", "selector", "trigger", "lv", "sv", "bv", "host"), TEXTS),
)
ALERTS: Final = st.fixed_dictionaries(
    {"labels": LABELS | VALUES},
    optional={
        "annotations": VALUES,
        "generatorURL": VALUES,
        "status": st.sampled_from(["firing", "resolved"]) | VALUES,
        "startsAt": st.just(STARTED) | TEXTS,
        "fingerprint": TEXTS | VALUES,
        "selector": TEXTS,
        "key": TEXTS,
    },
)
FURTHER: Final = st.dictionaries(
    st.sampled_from(["receiver", "status", "groupKey", "externalURL", "commonLabels", "selector", "command"]) | TEXTS,
    VALUES,
    max_size=3,
)


@pytest.mark.proves("S07")
@both
def test_nothing_of_a_payload_comes_further_than_the_webhook(chain: Chain, profile: Profile) -> None:
    """Every request names the one selector of the local list; the array is sent what the configuration says, no more.

    The first of all deliveries is a plain one, so that there is a run whose commands can be looked at.
    """
    statuses: set[int] = set()
    age(chain.site, STALE)
    with chain.webhook() as webhook:
        assert deliver(chain, webhook, payload(alert(1, labels={"service": "erp-preprod"}))) == 202

        def check(alerts: list[dict[str, Any]], further: dict[str, Any]) -> None:
            body = payload(*(alert(2, **changes) for changes in alerts), **further)
            statuses.add(deliver(chain, webhook, body))
            assert all(is_ours(request) for request in requests_in(chain)), requests_in(chain)

        profile.tries(80, st.lists(ALERTS, max_size=3), FURTHER)(check)
        assert webhook.process.poll() is None
    # 202: some of the hostile ones came through, as requests for the one set that may be asked for.
    assert statuses == {200, 202, 400}
    names = [path.name for path in (chain.site.array / "run/requests").iterdir()]
    assert len(names) > 1
    assert all(re.fullmatch(r"[0-9a-f]{40}\.json", name) for name in names)
    command = chain.site.command("dispatch")
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=GENEROUS, env=environment())
    assert done.returncode == 0, done.stderr
    assert (chain.ended(), [argv[0] for argv in chain.changes()]) == ([0], CHANGES)
    words = {word for call in read_calls(chain.site.array) for word in call["argv"]}
    assert words
    assert not [word for word in words if CANARY in word or "erp-preprod" in word]


def is_ours(request: dict[str, Any]) -> bool:
    """A request that holds nothing of a payload but its key, which is one line of text."""
    told = {name: request[name] for name in request if name != "key"}
    key = request["key"]
    return told == {"version": 1, "selector": SEL, "trigger": "alertmanager"} and key.isprintable() and len(key) <= 200


def deliver(chain: Chain, webhook: Exporter, body: bytes) -> int:
    """The status that a delivery with the token is answered with."""
    token = f"Bearer {chain.token.read_text()}"
    return webhook.get("/", "POST", body, Content_Type="application/json", Authorization=token).status
