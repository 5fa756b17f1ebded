// A chat room in Socket.IO: rooms and emits are its own, processes meet over Redis.
import { createServer } from "node:http";
import { createAdapter as pubSub } from "@socket.io/redis-adapter";
import { createAdapter as streams } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, url, kind] = process.argv.slice(2);

async function adapter() {
  if (kind === "memory") return undefined;
  const client = createClient({ url });
  client.on("error", (error) => console.error(error.message));
  await client.connect();
  if (kind === "streams") return streams(client);
  const subscriber = client.duplicate();
  subscriber.on("error", (error) => console.error(error.message));
  await subscriber.connect();
  return pubSub(client, subscriber);
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
