"""The operator's command, in dependency order.

Ground:      errors, aws, target, output
Facts:       fleet (machines and their own reports), items, inventory (what an account holds), record, prices
timeline     timeline (the model) -> engine_events, timeline_text, timeline_html -> timeline_watch, timeline_screen
audit        audit -> cleanup, audit_report -> audit_command
kubeconfig   kubeconfig (documents) -> kubeconfig_file -> kubeconfig_command
smoke        probe, probe_pod, windows_exec, cluster_view, kube -> smoke_paths, card_rules -> smoke, smoke_report -> smoke_command
lint         manifests -> lint
shell, rdp   access (node name to machine), access_session, access_password -> access_command
logs         logs_redact, logs_sources, logs_remote -> logs (bundle, verdict) -> logs_command
doctor       doctor, doctor_stack -> doctor_account, doctor_quota, doctor_local, doctor_report -> doctor_command
preview      preview (its words), preview_stack (what is needed of Pulumi) -> stacks, stack_locks (Pulumi itself), preview_world
             -> preview_recover, preview_cost, preview_progress -> preview_up, preview_down, preview_list -> preview_report, preview_cli
CI           ci_policy, preview_comment
Terminal:    options, explain, cli, __main__

Commands take an AWS session or a Kubernetes API that is passed in; only options.py and cli.py know where they come from.
"""

import sys
from pathlib import Path

# In a wheel the program (infra/) and its files are below this package; in a checkout they are beside it.
_HERE = Path(__file__).resolve().parent
_PROJECT = _HERE / "_project" if (_HERE / "_project").is_dir() else _HERE.parent
if str(_PROJECT) not in sys.path:
    sys.path.insert(0, str(_PROJECT))
