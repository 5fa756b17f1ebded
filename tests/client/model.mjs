/** A small model of the server: one room's log, cids, connections, and faults by a seed's will. */

const PAGE = 7;
const CUTS = [[1006, ''], [1012, 'restart retry=900'], [4201, 'overloaded retry=300'],
  [4300, 'slow_consumer'], [4301, 'resync']];
const EXPIRED = [4102, 'token_expired'];
const TOKEN_LIFE_MS = 20_000; // a token that was just fetched is not refused: that would be final

export class Model {
  log = [];
  faults = { refused: 0, cut: 0, cutAfterAppend: 0, gap: 0, doubled: 0, limited: 0, unknown: 0,
    late: 0, unavailable: 0, repeated: 0, goaway: 0, paged: 0 };
  isCalm = false;
  #connections = new Set();
  #seqs = new Map();

  constructor(clock, random) {
    Object.assign(this, { clock, random });
  }

  /** Decides whether a fault happens now, and counts it. */
  happens(fault, probability) {
    const isSo = !this.isCalm && this.random() < probability;
    if (isSo) this.faults[fault] += 1;
    return isSo;
  }

  /** Returns a class of sockets through which this user reaches the server. */
  socketOf(user) {
    const model = this;
    return class {
      constructor() {
        this.connection = new Connection(model, this, user);
      }

      send(message) {
        this.connection.toServer(() => this.connection.receive([JSON.parse(message)].flat()));
      }

      close() {
        this.connection.end();
      }
    };
  }

  enter(connection) {
    this.#connections.add(connection);
  }

  leave(connection) {
    this.#connections.delete(connection);
  }

  /** Appends once per user and cid, as the real log does; returns the seq. */
  append(user, { cid, text }) {
    const key = `${user}/${cid}`;
    if (this.#seqs.has(key)) {
      this.faults.repeated += 1;
      return this.#seqs.get(key);
    }
    const seq = this.log.length + 1;
    const event = { type: 'message', room: 'general', seq, ts: seq, user, cid, text };
    this.log.push(event);
    this.#seqs.set(key, seq);
    for (const connection of this.#connections) connection.tell(event);
    return seq;
  }
}

class Connection {
  #isAlive = true;
  #isJoined = false;
  #arrivals = { server: 0, client: 0 };

  constructor(model, socket, user) {
    Object.assign(this, { model, socket, user, since: model.clock.now() });
    model.enter(this);
    this.#travel('client', () => (model.happens('refused', 0.2) ? this.cut(1006, '') : socket.onopen()));
  }

  /** Both directions take their time, and keep their order. */
  #travel(to, callback) {
    const { clock, random } = this.model;
    const at = Math.max(this.#arrivals[to], clock.now() + random() * 40);
    this.#arrivals[to] = at;
    clock.setTimeout(() => this.#isAlive && callback(), at - clock.now());
  }

  toServer(callback) {
    this.#travel('server', callback);
  }

  say(...frames) {
    const data = JSON.stringify(frames.length > 1 ? frames : frames[0]);
    this.#travel('client', () => this.socket.onmessage({ data }));
  }

  end() {
    this.#isAlive = false;
    this.model.leave(this);
  }

  /** Ends the connection with a close that the client sees, behind all that was said before or not. */
  cut(...close) {
    const { clock, random } = this.model;
    const isOld = clock.now() - this.since > TOKEN_LIFE_MS;
    const cuts = isOld ? [...CUTS, EXPIRED] : CUTS;
    const [code, reason] = close.length ? close : cuts[Math.floor(random() * cuts.length)];
    this.end();
    clock.setTimeout(() => this.socket.onclose({ code, reason }), random() * 40);
  }

  /** Brings a live event, or forgets to, or brings it twice. */
  tell(event) {
    if (!this.#isJoined || this.model.happens('gap', 0.01)) return;
    this.say(event);
    if (this.model.happens('doubled', 0.02)) this.say(event, event);
    if (this.model.happens('cut', 0.003)) this.cut();
  }

  receive(frames) {
    for (const frame of frames) this[`on_${frame.type}`]?.(frame);
  }

  on_auth({ id }) {
    this.say({ type: 'welcome', id, user: { id: this.user }, ping_s: 25, limits: {} });
    if (this.model.happens('goaway', 0.1)) {
      this.say({ type: 'goaway', reason: 'restart', retry_ms: this.model.random() * 5000 });
    }
  }

  on_ping({ id }) {
    this.say({ type: 'pong', id, ts: 0 });
  }

  on_join({ id, since = 0 }) {
    const { log } = this.model;
    const missed = log.slice(since);
    const head = log.length;
    const joined = { type: 'joined', id, room: 'general', epoch: 'e1', tail: 1, head, perm: 'rw' };
    const pages = [missed.splice(0, PAGE)];
    while (missed.length) pages.push(missed.splice(0, PAGE));
    pages.forEach((events, index) => {
      const more = index < pages.length - 1;
      if (index) this.model.faults.paged += 1;
      if (index === 0) this.say({ ...joined, events, more });
      else this.say({ type: 'events', room: 'general', events, more });
    });
    this.#isJoined = true;
  }

  on_publish(frame) {
    const { model } = this;
    const { id, cid, room } = frame;
    const refuse = (code) =>
      this.say({ type: 'error', id, cid, room, code, retry_ms: Math.ceil(model.random() * 800) });
    if (model.happens('limited', 0.03)) return refuse('rate_limited');
    if (model.happens('unavailable', 0.03)) return refuse('unavailable');
    if (model.happens('cut', 0.02)) return this.cut();
    if (model.happens('late', 0.03)) {
      // Held by a server whose client is told too early, or gone: it may come after the repeat.
      model.clock.setTimeout(() => model.append(this.user, frame), model.random() * 3000);
      return model.random() < 0.5 ? this.cut() : refuse('unavailable');
    }
    const ref = model.append(this.user, frame);
    if (model.happens('cutAfterAppend', 0.02)) return this.cut();
    if (model.happens('unknown', 0.02)) return refuse('unavailable');
    return this.say({ type: 'ack', id, cid, room, ref, ts: ref });
  }
}
