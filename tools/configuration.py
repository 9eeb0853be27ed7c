"""What manual and reference say of the configuration beside its keys: form, rules, and a sample of each file."""

from __future__ import annotations

from typing import Final

GENERAL: Final = """\
necism.conf says how necism works on this host: where it keeps its journals, how the arrays are reached, where
exporter and webhook listen. It is optional, as is every section and every key in it.

The configuration is looked for at `--config`, else at `$NECISM_CONFIG`, else in /etc/necism. A directory holds
necism.conf and the service files, services/*.conf and services/*.env; a file is one service, without
necism.conf.
"""
GENERAL_RULES: Final = """\
Relative paths in necism.conf start at its own directory. `--ism-path`, `--state-dir` and `--run-dir` outrank
`$NECISM_ISM_PATH`, `$NECISM_STATE_DIR` and `$NECISM_RUN_DIR`, and those outrank the file.
"""
SERVICE: Final = """\
A service file names the pairs of SV and LV that belong together and what may be done with them. It is a service
file of OpenSVC: its sections of type necismsnap are read, all others are OpenSVC's. The name of the service is
that of the file without .conf or .env.

A service is named on the command line as SERVICE, one section of it as SERVICE/sync#N.
"""
SERVICE_RULES: Final = """\
[DEFAULT] supplies the keys that a section does not set, but for `pre_resync`, `post_resync`, `type`, `tags` and
`disable`; a hook there is an error. Its other keys are not read.

Keys that OpenSVC knows in every section, such as `schedule` or `monitor`, and its triggers are accepted without
effect; `necism config check` lists them. A key with a scope (`key@node`) and a reference (`{name}`) in a value
are errors.
"""
RULES: Final = """\
Files are INI text in UTF-8: sections in brackets, `key = value`, comments behind `#` or `;` at the beginning of
a line and behind a blank and `;` at its end. A value goes on over lines that are indented. A key that stands
twice has its last value, with a warning. An unknown key is an error; all errors are told at once, with file and
line.

A DURATION is written in units, such as 90s, 30m or 1d3h; the units are w, d, h, m and s. A bare number counts
minutes in `sync_max_delay`, `sync_min_delay` and `sync_max_skew`, and is an error everywhere else. A COMMAND is
split into words as a shell does it, and run without one.
"""
HOOKS: Final = (
    ("NECISM_SERVICE", "The service."),
    ("NECISM_RESOURCE", "The section, such as sync#1."),
    ("NECISM_RUN_ID", "The run, as `necism history` names it."),
    ("NECISM_TRIGGER", "Who asked: manual, or an automatic caller."),
    ("NECISM_LVS", "The LVs of the resource, blanks between them."),
    ("NECISM_SVS", "Their SVs."),
)
"""What hooks find in their environment."""

NECISM_CONF: Final = """\
[necism]
source = file
stale_after = 20m

[array default]
ism_path = /opt/iSMccs/bin
timezone = Asia/Tokyo

[array remote]
host = monitor@array2.example.com

[webhook]
credentials_file = webhook.token
label = snapshot
map = erp-snap=erp/sync#1
"""
SERVICE_CONF: Final = """\
[DEFAULT]
sync_max_delay = 1d2h

[sync#1]
type = necismsnap
devs = ERP_DATA_SV01:ERP_DATA_LV01 ERP_LOGS_SV01:ERP_LOGS_LV01
sync_max_skew = 10m
automatic = timer
window = mon-fri 22:00-05:00 Europe/Paris
pre_resync = /usr/bin/systemctl stop erp-preprod.service
post_resync = /usr/bin/systemctl start erp-preprod.service

[sync#2]
type = necismsnap
# Two SVs take turns: the LV is away for a switch only.
devs = ERP_HIST_SV01|ERP_HIST_SV02:ERP_HIST_LV01
consumers = none
"""


def paragraphs(text: str) -> list[str]:
    """Each on one line."""
    return [" ".join(one.split()) for one in text.split("\n\n")]
