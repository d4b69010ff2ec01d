"""The operator's command, in dependency order.

Ground:      errors, aws, target, output
Facts:       fleet (machines and their own reports), items, inventory (what an account holds), record, prices
timeline     timeline (the model) -> engine_events, timeline_text, timeline_html -> timeline_watch, timeline_screen
audit        audit -> cleanup, audit_report -> audit_command
kubeconfig   kubeconfig (documents) -> kubeconfig_file -> kubeconfig_command
smoke        probe, probe_pod, windows_exec, cluster_view, kube -> smoke_paths, card_rules -> smoke, smoke_report -> smoke_command
lint         manifests -> lint
Terminal:    options, explain, cli, __main__

Commands take an AWS session or a Kubernetes API that is passed in; only options.py and cli.py know where they come from.
"""
