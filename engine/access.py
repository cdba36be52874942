"""Who may read and write a project: its owner alone, or one group of this machine."""

import os
import shutil
import stat
from pathlib import Path

from engine.errors import ProjectUnsafeError

OWNER_FOLDER, OWNER_FILE = 0o700, 0o600
GROUP_FOLDER, GROUP_FILE = 0o2770, 0o660
"""A folder of a group hands its group on to whatever is made in it."""


def is_shared(folder: Path) -> bool:
    """Say whether a folder is one group's."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_ISGID and mode & stat.S_IWGRP)


def protect(file: Path, folder: Path | None = None) -> None:
    """Let a file be read and written by those alone who may write in its folder; not where the file system knows none.

    `folder` is where the file will lie, if it does not lie there yet.
    """
    mode = GROUP_FILE if is_shared(folder or file.parent) else OWNER_FILE
    if stat.S_IMODE(file.stat().st_mode) != mode and file.stat().st_uid == os.geteuid():
        file.chmod(mode)


def make_folder(path: Path) -> None:
    """Make a folder for its owner alone; in a folder of a group, for that one."""
    if path.is_dir():
        return
    path.mkdir(mode=OWNER_FOLDER, parents=True)
    if is_shared(path.parent):
        path.chmod(GROUP_FOLDER)


def share(folder: Path, group: str) -> None:
    """Give a folder and the files in it to a group of this machine. Raises ProjectUnsafeError."""
    own = [one for one in folder.iterdir() if one.is_file() and one.stat().st_uid == os.geteuid()]
    try:
        for one in (folder, *own):
            shutil.chown(one, group=group)
    except LookupError:
        raise ProjectUnsafeError(f"This machine has no group {group}. `groups` lists yours.") from None
    except PermissionError:
        raise ProjectUnsafeError(f"{folder} cannot be given to the group {group}: are you in it?") from None
    folder.chmod(GROUP_FOLDER)
    for one in own:
        protect(one)


def find_open_door(*folders: Path) -> Path | None:
    """Find the first of some folders in which everybody on this machine may write."""
    return next((one for one in folders if one.is_dir() and one.stat().st_mode & stat.S_IWOTH), None)


def check_folders(*folders: Path) -> None:
    """Refuse folders in which everybody may write: nobody could tell whose verdicts lie there."""
    door = find_open_door(*folders)
    if door:
        raise ProjectUnsafeError(
            f"Everybody on this machine may write in {door}, so its verdicts could be anybody's. "
            f"Run: chmod -R o-w {folders[0]}"
        )
