// A chat room in Socket.IO: rooms and emits are its own, processes meet over Redis.
import { createServer } from "node:http";
import { createAdapter as pubSub } from "@socket.io/redis-adapter";
import { createAdapter as streams } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, url, kind] = process.argv.slice(2);

const sentinelUrl = /^redis\+sentinel:\/\/(.*)\/(.*)\/0$/.exec(url);

async function connected() {
  const client = sentinelUrl ? viaSentinel(...sentinelUrl.slice(1)) : createClient({ url });
  client.on("error", (error) => console.error(error.message));
  if (!sentinelUrl) await client.connect();
  return client;
}

function viaSentinel(addresses, name) {
  const sentinels = addresses.split(",").map((address) => {
    const [host, port] = address.split(":");
    return { host, port: Number(port) };
  });
  return new Redis({ sentinels, name });
}

async function adapter() {
  if (kind === "memory") return undefined;
  const client = await connected();
  return kind === "streams" ? streams(client) : pubSub(client, await connected());
}

const http = createServer();
const io = new Server(http, {
  adapter: await adapter(),
  serveClient: false,
  transports: ["websocket"],
});

io.engine.on("connection", (socket) => {
  socket.request = null; // as its page on memory usage advises
});

io.on("connection", (socket) => {
  socket.on("join", async ({ room, user }) => {
    socket.data.user = user;
    await socket.join(room);
    socket.emit("joined", { room });
  });
  socket.on("publish", ({ room, text }) => {
    io.to(room).emit("message", { room, user: socket.data.user, ts: Date.now(), text });
  });
});

http.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
