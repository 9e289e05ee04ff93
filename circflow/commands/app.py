"""app: the local web page."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import click

from circflow.commands.common import Refusal
from circflow.commands.options import path_option


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=0,
    help="Listen at this port of this machine (else at any that is free).",
)
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@path_option(
    "--folder",
    metavar="DIR",
    help="Keep what was loaded, changed and run in this folder (else beside the workbook).",
)
def app(file: Path | None, port: int, no_browser: bool, folder: Path | None) -> None:
    """Open a page in your browser: load the workbook, mend it, solve it, ask "what if".

    Everything stays on this machine. The address, with its token, is printed on one line.
    """
    for name in ("starlette", "uvicorn", "python_multipart"):
        if find_spec(name) is None:
            raise Refusal("the page needs a few more packages: pip install 'circflow[app]'")
    if file is not None and not file.exists():
        raise Refusal("there is no file or folder {file!r}", file=str(file))
    from circflow.app.launch import default_folder, launch

    def tell(address: str) -> None:
        click.echo(address)
        sys.stdout.flush()

    try:
        launch(file, folder or default_folder(file), port=port, browser=not no_browser, tell=tell)
    except OSError as taken:
        raise Refusal(
            "port {port} cannot be used: {lower}",
            port=port,
            lower=(taken.strerror or str(taken)).lower(),
        ) from None
