// What the frames tell of latency: how long until an answer, an ack, and one's own message.

const PING_MS = 2000; // a sixth of what the server lets other frames have
const WINDOW_MS = 60_000;
const OPEN = 200; // questions that wait for an answer at most

export const SERIES = {
  trip: 'round trip (ping → pong)',
  ack: 'publish → ack',
  deliver: 'publish → delivered',
};

export class Latency {
  samples = []; // { kind, at, ms }, oldest first, of the last minute
  #chat;
  #open = new Map();
  #timer;

  constructor(chat) {
    this.#chat = chat;
    chat.on('frame', (tapped) => this.#take(tapped));
    chat.on('state', () => this.#open.clear());
  }

  /** Pings until `end`: a quiet connection has a latency too. */
  begin() {
    this.end();
    const ping = () => this.#chat.state === 'online' && this.#chat.ask({ type: 'ping' }, () => {});
    this.#timer = setInterval(ping, PING_MS);
    ping();
  }

  end() {
    clearInterval(this.#timer);
  }

  /** Returns what was measured of a kind in the last minute, smallest first. */
  sorted(kind) {
    this.#forget();
    return this.samples
      .filter((sample) => sample.kind === kind)
      .map(({ ms }) => ms)
      .sort((a, b) => a - b);
  }

  #take({ direction, frame }) {
    const { type, id, cid } = frame;
    if (direction === 'out' && type === 'ping' && id !== undefined) this.#ask(`trip ${id}`);
    if (direction === 'out' && type === 'publish' && cid)
      ['ack', 'deliver'].forEach((kind) => this.#ask(`${kind} ${cid}`));
    if (direction !== 'in') return;
    if (type === 'pong') this.#answer('trip', id);
    if (type === 'ack') this.#answer('ack', cid);
    // Of another's message the cid may be the same; the map has only those that we have just sent.
    if (type === 'message' && frame.user === this.#chat.user?.id) this.#answer('deliver', cid);
  }

  #ask(key) {
    if (!this.#open.has(key)) this.#open.set(key, performance.now());
    if (this.#open.size > OPEN) this.#open.delete(this.#open.keys().next().value);
  }

  #answer(kind, name) {
    const asked = this.#open.get(`${kind} ${name}`);
    if (asked === undefined) return;
    this.#open.delete(`${kind} ${name}`);
    this.samples.push({ kind, at: Date.now(), ms: performance.now() - asked });
    this.#forget();
  }

  #forget() {
    const since = Date.now() - WINDOW_MS;
    while (this.samples[0]?.at < since) this.samples.shift();
  }
}
