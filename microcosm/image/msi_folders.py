"""Folders that Windows names in an MSI. The plain names are the 32-bit ones in every package.

Source: learn.microsoft.com/windows/win32/msi, "Property Reference".
"""

# The user who would run msiexec in a container of Server Core.
_USER = "Users\\ContainerAdministrator"
_PATHS = {
    "ProgramFilesFolder": "Program Files (x86)",
    "ProgramFiles64Folder": "Program Files",
    "CommonFilesFolder": "Program Files (x86)\\Common Files",
    "CommonFiles64Folder": "Program Files\\Common Files",
    "WindowsFolder": "Windows",
    "SystemFolder": "Windows\\SysWOW64",
    "System64Folder": "Windows\\System32",
    "CommonAppDataFolder": "ProgramData",
    "FontsFolder": "Windows\\Fonts",
    "TempFolder": "Windows\\Temp",
    "ProgramMenuFolder": "ProgramData\\Microsoft\\Windows\\Start Menu\\Programs",
    "DesktopFolder": "Users\\Public\\Desktop",
    "StartMenuFolder": "ProgramData\\Microsoft\\Windows\\Start Menu",
    "StartupFolder": "ProgramData\\Microsoft\\Windows\\Start Menu\\Programs\\Startup",
    "LocalAppDataFolder": f"{_USER}\\AppData\\Local",
    "AppDataFolder": f"{_USER}\\AppData\\Roaming",
    "PersonalFolder": f"{_USER}\\Documents",
}
STANDARD = {name: f"C:\\{path}\\" for name, path in _PATHS.items()}


def windows(path: str) -> str:
    """Return the path that Windows knows for one below C:."""
    return "C:\\" + path.replace("/", "\\")
