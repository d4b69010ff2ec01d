"""`microcosm image`: make a Windows image of a .NET service on any system, from its folder, zip or MSI."""
