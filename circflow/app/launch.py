"""Start the app: a server of this machine only, its address on one line of standard output."""

from __future__ import annotations

import contextlib
import secrets
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

from circflow.app.project import Workspace
from circflow.app.server import make_app

HOST = "127.0.0.1"


def default_folder(file: Path | None) -> Path:
    """Where the state is kept if nothing is said: beside the workbook, else here."""
    if file is None:
        return Path("circflow-work")
    resolved = file.resolve()
    return resolved.with_name(f"{resolved.stem}.circflow")


def launch(
    file: Path | None,
    folder: Path,
    *,
    port: int = 0,
    browser: bool = True,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve until interrupted. `port` 0 is any that is free. Raises OSError where it is taken."""
    import uvicorn

    # Named by its protocol, for asyncio to send what there is at once, not after 40 ms.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(64)
        port = listening.getsockname()[1]
        workspace = Workspace(folder)
        token = secrets.token_urlsafe(24)
        app = make_app(workspace, token, port)
        if file is not None:
            workspace.load(file.name, file, str(file.resolve()))
        app.state.app.is_ready()  # begins to read
        address = f"http://{HOST}:{port}/check?token={token}"
        tell(address)
        if browser:
            webbrowser.open(address)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        with contextlib.suppress(KeyboardInterrupt):
            try:
                uvicorn.Server(config).run(sockets=[listening])
            finally:
                app.state.app.close()
