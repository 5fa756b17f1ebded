"""The edge: WebSocket, REST, health, admin and console on aiohttp; knows the rules, no storage."""
