/** A TCP proxy before several servers, at random; it cuts connections at random, as networks do. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Balancer {
  cuts = 0;
  served = new Map(); // connections by the server's port
  #open = new Set();

  constructor(ports, random) {
    Object.assign(this, { ports, random });
    this.server = createServer((client) => this.#carry(client));
  }

  /** Returns the port that it listens at. */
  async listen() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this.server.address().port;
  }

  #carry(client) {
    const port = this.#pick(this.ports);
    const server = connect(port, '127.0.0.1');
    const pair = [client, server];
    this.served.set(port, (this.served.get(port) ?? 0) + 1);
    this.#open.add(pair);
    const end = () => {
      this.#open.delete(pair);
      pair.forEach((socket) => socket.destroy());
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.pipe(server).pipe(client);
  }

  #pick(list) { return list[Math.floor(this.random() * list.length)]; }

  /** Resets one connection, both ways: what was under way is lost, whoever sent it. */
  cut() {
    const pair = this.#pick([...this.#open]);
    if (!pair) return;
    this.cuts += 1;
    pair.forEach((socket) => socket.resetAndDestroy());
  }

  close() {
    for (const pair of this.#open) pair.forEach((socket) => socket.destroy());
    this.server.close();
  }
}
