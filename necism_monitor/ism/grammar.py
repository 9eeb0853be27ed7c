"""Every pattern of iSM output in one place, each under the captured line it stands for.

"Captured" means real output (an OpenSVC documentation page and docstrings of 2014, a commit message of 2017);
"inferred" means a deviation we tolerate although no capture shows it, with the reason beside it.
Patterns are used with `fullmatch` on lines stripped of blanks, and quantify possessively: no line, however long
or odd, makes them slow.
"""

from __future__ import annotations

import re
from typing import Final

from necism_monitor.domain.patterns import pattern

LINE_MAX: Final = 1000
"""Longest line believed, in characters: the widest captured one has 73, and a device path may be long."""

REPLACEMENT: Final = "\ufffd"
"""What the decoder puts in the place of bytes that are no text."""
# What no screen prints: control characters but the tab, line separators, lone surrogates, the decoder's replacement.
# Nothing of it but the last is printable, so few lines need the slow search.
GARBLED: Final = pattern("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffd]")

# iSMsc_unlink:Info: iSM20030: iSMsc_unlink has normally terminated.                                        (captured)
# Other classes than Info are inferred from the vendor's handbook (ERROR, WARNING, NOTICE, INFO in its logs).
MESSAGE: Final = pattern(
    r"(?P<command>iSM\w++)\s*+:\s*+(?P<level>[A-Za-z]++)\s*+:\s*+(?P<id>iSM\d{5})\s*+:(?P<text>.*+)", re.ASCII
)
# ... iSM20030: ...   anywhere in a text, but never a part of a longer token.
MESSAGE_ID: Final = pattern(r"(?<!\w)iSM\d{5}(?!\w)", re.ASCII)

# BV Information              at column 0; iSMsc_query, both forms                                          (captured)
BV_HEADING: Final = "BV Information"
# Pair Information            iSMsc_query -detail                                                           (captured)
PAIR_HEADING: Final = "Pair Information"
# SV Information              iSMsc_query, plain                                                            (captured)
SV_HEADING: Final = "SV Information"
# Specified Volume Information                  iSMsc_linkinfo                                              (captured)
SPECIFIED_HEADING: Final = "Specified Volume Information"
# Destination Volume Information                iSMsc_linkinfo                                              (captured)
DESTINATION_HEADING: Final = "Destination Volume Information"

#     SV:LD Name              : xxxxxxxxxxx_00cc_SV00ce       iSMsc_query -detail                           (captured)
#     LV:LD Name              : xxxxxxxxxxx_00cc_LV00cf       iSMsc_query -detail                           (captured)
# SV:LD Name      : test_src_0000_SV0014                      iSMsc_linkinfo                                (captured)
# LV: and BV: as the heading of iSMsc_linkinfo are inferred: the command takes any volume.
VOLUME: Final = pattern(r"(?P<role>SV|LV|BV):LD\s++Name\s*+:\s*+(?P<name>.*+)", re.ASCII)
ROLES: Final = frozenset({"SV", "LV", "BV"})

#        Snap State           : snap/active        [2014/09/09 17:27:45]                                    (captured)
#        Generation(Attribute): -1(normal)              no blank before the colon                           (captured)
# Split at the first colon.  A blank value (`Special File :`) is inferred: `-` is the captured way to say "none".
LABEL: Final = pattern(r"(?P<label>[^:]++):(?P<value>.*+)")

#        Create   Start Time  : 2014/09/09 17:27:45     three blanks, so runs of blanks are collapsed       (captured)
# The first word is inferred to follow the last operation, and `End Time` to exist: the replication commands of the
# same vendor print both.
TIME_LABEL: Final = pattern(r"\S++ (?P<edge>Start|End) Time")

BV_LABELS: Final = frozenset({"LD Name", "Type", "Special File", "State", "Reserve Area"})
"""Labels of the BV block (captured)."""
BV_REQUIRED: Final = ("LD Name", "State")
SV_LABELS: Final = frozenset(
    {
        "Type",
        "Generation(Attribute)",
        "Snap State",
        "Processing Data Size",
        "Snapshot Data Size",
        "SV Guard",
        "LV Link Status",
        "Special File",  # inferred: the linkinfo screen prints one for an SV
    }
)
"""Labels of an SV block (captured), beside the time labels."""
SV_REQUIRED: Final = ("Snap State", "SV Guard", "LV Link Status")
LV_LABELS: Final = frozenset({"Type", "Special File", "LV Access"})
"""Labels of an LV block (captured; the `Special File` line is missing in one of two captured blocks)."""
LV_REQUIRED: Final = ("LV Access",)
SPECIFIED_LABELS: Final = frozenset({"Type", "Special File", "State", "Mode"})
"""Labels of the first block of a linkinfo screen (captured)."""

# [2014/09/09 17:27:45]                                                                                     (captured)
STAMP: Final = pattern(
    r"(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)\s++(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)", re.ASCII
)
# [ - ], [] or [----/--/-- --:--:--]: no digit and no letter, so no date.  Inferred; that a date can be absent is
# recorded ("could not determine the timestamp", commit message 2017).
NO_STAMP: Final = pattern(r"[-/:\s]*+")

#        Generation(Attribute): -1(normal)                                                                  (captured)
GENERATION: Final = pattern(r"(?P<number>-?\d{1,9})(?:\((?P<attribute>[^()]*+)\))?", re.ASCII)

#        Snapshot Data Size   : 47.4GB                  one decimal, no blank                               (captured)
# Other units are inferred: the vendor's array view prints MB and TB, its replication commands KB.
SIZE: Final = pattern(r"(?P<whole>\d{1,15})(?:\.(?P<part>\d{1,9}))?\s?(?P<unit>B|KB|MB|GB|TB|PB)", re.ASCII)
SIZE_UNITS: Final = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40, "PB": 2**50}

#   LX:test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:16:16] link                               (captured)
#    -:Xxxxxxxxxxx_015d_SV0160 ( -2) snap/active   [2017/10/12 12:32:25] link                               (captured)
# The type is any short word: the documented codes are a list that grew.  A blank before `(` is not demanded: the
# name column is exactly as wide as the longest name.  What follows `)` may be any word, with or without a date.
SV_ROW: Final = pattern(
    r"(?P<type>[^\s:]{0,4}+)\s*+:(?P<name>[^\s()]++)\s*+\((?P<generation>[^()]*+)\)(?P<status>.*+)", re.ASCII
)

#     LV:test_src_0000_LV0050     LX link   (test_src_0000_SV0016)    rw                                    (captured)
# Inferred: no blank before the mode, because a partner of 24 characters fills its column; a row that is not linked
# may have no bracket, and `-` or nothing where partner and mode stand.  A type is a code of two letters or `-`; a
# row without one has a link word there.
LINK_ROW: Final = pattern(
    r"(?P<role>SV|LV|BV):(?P<name>[^\s()]++)(?:\s++(?P<type>\S{1,2})(?!\S))?(?P<words>[^()]*+)"
    r"(?:\((?P<partner>[^()]*+)\)(?P<mode>.*+))?",
    re.ASCII,
)
# Heading line of the specified volume:    State        : link   (test_src_0000_LV0064)                     (captured)
LINK_STATE: Final = pattern(r"(?P<word>[^\s()]++)\s*+\((?P<partner>[^\s()]++)\)", re.ASCII)

# --- Disk Array List ---                                                                                   (captured)
INVENTORY_HEADING: Final = pattern(r"---.*+")
# Product ID        Disk Array Name                   Resource State  Monitoring                            (captured)
# Product ID        Disk Array Name                   Resource State             second form                (captured)
INVENTORY_COLUMNS: Final = pattern(
    r"(?P<product>Product ID\s++)(?P<name>Disk Array Name\s++)(?P<state>Resource State\s*+)(?P<more>.*+)", re.ASCII
)

#    BV:SOURCE_0001         LX                           iSMsc_create; the name column's width is not known (captured)
CREATED_VOLUME: Final = pattern(r"(?P<role>SV|BV):(?P<name>\S++)(?:\s++(?P<type>\S++))?", re.ASCII)
