"""`microcosm image`: a Windows image of a .NET service, made on any system from its folder, zip or MSI.

Reading      tree (names and files) -> package (zip, msdeploy) and msi_* (tables, folders, cabinets) -> source
Facts        assemblies (PE and CLR headers), configs (web.config and its parts) -> recognise (kind and program)
Findings     findings -> rules_* over a Subject -> check
Image        descriptors (security), layer (tar), start (start script and app.json) -> oci, registry, credentials -> build
Manifests    manifest
Terminal:    report, command
"""
