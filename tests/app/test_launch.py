"""How the app is served."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from circflow.app.launch import launch


def test_an_answer_is_sent_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio lets only connections of a socket that is named TCP send what there is without
    waiting, up to 40 ms, for the browser to have the first half of it (Nagle's algorithm)."""
    named: list[int] = []

    def served(_: Any, sockets: list[socket.socket]) -> None:
        named.extend(listening.proto for listening in sockets)

    monkeypatch.setattr("uvicorn.Server.run", served)
    launch(None, tmp_path, browser=False, tell=lambda _: None)
    assert named == [socket.IPPROTO_TCP]
