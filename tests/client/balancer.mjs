/**
 * A TCP proxy before several servers, at random; it cuts open WebSockets at random.
 *
 * Not those that are being opened: Node 20 tells nobody of them, which no browser does, and a test
 * would wait for the client's own deadline of 15 s each time.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Balancer {
  cuts = 0;
  served = new Map(); // connections by the server's port
  #open = new Set(); // both ends of each socket that has sent its first message
  #isArmed = false; // the next to send something is cut

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
    let isUpgraded = false;
    const end = () => {
      this.#open.delete(pair);
      pair.forEach((socket) => socket.destroy());
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', (sent) => {
      if (isUpgraded) this.#open.add(pair);
      isUpgraded = true;
      if (!this.#isArmed || !this.#open.has(pair)) return void server.write(sent);
      this.#isArmed = false;
      if (this.random() < 0.5) server.write(sent, () => this.#reset(pair)); // the answer is lost
      else this.#reset(pair); // what was sent is lost
    });
    server.pipe(client);
  }

  #pick(list) { return list[Math.floor(this.random() * list.length)]; }

  /** Cuts one connection: any one at once, or, as often, the next that sends something. */
  cut() {
    if (this.random() < 0.5) this.#isArmed = true;
    else if (this.#open.size) this.#reset(this.#pick([...this.#open]));
  }

  /** Resets both ways: what was under way is lost, whoever sent it. */
  #reset(pair) {
    this.cuts += 1;
    pair.forEach((socket) => socket.resetAndDestroy());
  }

  /** Lets all that are open live on. */
  calm() { this.#isArmed = false; }

  close() {
    for (const pair of this.#open) pair.forEach((socket) => socket.destroy());
    this.server.close();
    this.server.unref();
  }
}
