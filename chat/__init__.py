"""The rules of the chat: no socket, no clock, no Redis, no aiohttp."""
