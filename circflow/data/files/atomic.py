"""Files that are either whole or not there: written to a temporary name, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from circflow.i18n import mark, say

NO_ROOM = {
    errno.ENOSPC: mark("the disk is full"),
    errno.EDQUOT: mark("your share of the disk is used up"),
    errno.EFBIG: mark("the file would be larger than is allowed here (ulimit -f)"),
    errno.EIO: mark("the disk cannot be written (input/output error)"),
}
"""What a disk says that takes no more."""


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path in the same folder; rename it to `path` when the block succeeds.

    The temporary name keeps the suffix, so that libraries which look at it work. If the block
    fails, `path` is left as it was. A link is followed; a device or a pipe is written directly.
    Raises OSError where the folder is missing or not writable, or the disk takes no more (with the
    name of `path`, whatever library wrote).
    """
    target = Path(path).resolve()
    mode = target.stat().st_mode if target.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(say("{path} is a folder", path=path))
        yield target
        return
    temporary = target.with_name(f".{target.stem[:80]}.{secrets.token_hex(4)}.tmp{target.suffix}")
    try:
        # Created by os.open, which applies the user's umask; tempfile would make it private.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(target)
    except Exception as error:
        full = no_room(error)
        if full is None:
            raise
        raise OSError(full.errno, say(NO_ROOM[full.errno or 0]), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def no_room(error: BaseException | None) -> OSError | None:
    """The OSError of a disk that takes no more, however a library has wrapped it; else None."""
    while error is not None:
        for one in (error, *error.args):
            if isinstance(one, OSError) and one.errno in NO_ROOM:
                return one
        error = error.__cause__ or error.__context__
    return None


def write_text(path: str | os.PathLike[str], text: str, encoding: str = "utf-8") -> None:
    """Write a text file, whole or not at all, with the line ends of `text`."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding=encoding, newline="")


def why_not_writable(path: str | os.PathLike[str], *, folder: bool = False) -> str:
    """Why a file (or, with `folder`, a folder of files) cannot be written there; "" if it can.

    A folder itself may be missing; the folder that it or the file is to stand in may not.
    """
    target = Path(path)
    home = target.resolve().parent
    writable = os.access(home, os.W_OK | os.X_OK)
    if folder and target.exists():
        home, writable = target, os.access(target, os.W_OK | os.X_OK)
        if not target.is_dir():
            return say("{target} is a file, not a folder", target=target)
    elif target.is_dir():
        return say("{target} is a folder, not a file", target=target)
    elif target.exists() and not os.access(target, os.W_OK):
        return say("{target} is read-only", target=target)
    if not home.is_dir():
        return (
            say("{home} is not a folder", home=home)
            if home.exists()
            else say("the folder {home} does not exist", home=home)
        )
    return (
        "" if writable or _is_device(target) else say("the folder {home} is read-only", home=home)
    )


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()
