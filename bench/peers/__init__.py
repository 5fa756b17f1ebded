"""The servers Holdfast is measured against, each a folder with its adapter and its server."""

from __future__ import annotations

from importlib import import_module

from bench.peers.contract import Peer

FOLDERS = (
    "holdfast",
    "plain",
    "fastapi",
    "socketio",
    "channels",
    "node",
    "uwebsockets",
    "sends",
)


def all_peers() -> dict[str, Peer]:
    """Every peer by name, in the order of the tables."""
    modules = (import_module(f"bench.peers.{folder}") for folder in FOLDERS)
    return {peer.name: peer for module in modules for peer in module.PEERS}


def chosen_peers(names: str) -> list[Peer]:
    """The peers of a comma-separated list; an unknown name raises `SystemExit` naming it."""
    known = all_peers()
    wanted = names.split(",")
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"unknown peer {', '.join(unknown)}; known: {', '.join(known)}")
    return [known[name] for name in wanted]
