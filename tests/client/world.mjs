/** What the client stands on, made for tests: a clock that is turned by hand, sockets, a page. */
import { Chat } from '../../console/client.js';

/** Lets promises that are ready run on. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Numbers in [0, 1) that a seed decides (mulberry32). */
export function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class VirtualClock {
  #now = 1_760_000_000_000;
  #timers = new Map();
  #last = 0;

  now() {
    return this.#now;
  }

  setTimeout(callback, ms) {
    this.#timers.set(++this.#last, { at: this.#now + Math.max(0, ms), callback });
    return this.#last;
  }

  clearTimeout(timer) {
    this.#timers.delete(timer);
  }

  get pending() {
    return this.#timers.size;
  }

  /** Fires what is due within `ms`, in order, and lets promises run in between. */
  async advance(ms) {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      const [timer, { at, callback }] = next;
      this.#timers.delete(timer);
      this.#now = at;
      callback();
      await settle();
    }
    this.#now = end;
  }

  #next(end) {
    let first;
    for (const entry of this.#timers) {
      if (entry[1].at <= end && (!first || entry[1].at < first[1].at)) first = entry;
    }
    return first;
  }
}

/** A socket whose other end is the test. */
export class FakeSocket {
  messages = [];
  isClosed = false;
  readyState = 1;

  constructor(url, protocol) {
    Object.assign(this, { url, protocol });
  }

  send(message) {
    this.messages.push(JSON.parse(message));
  }

  close() {
    this.isClosed = true;
  }

  /** Frames that the client has sent, of one type if given. */
  sent(type) {
    return this.messages.flat().filter((frame) => !type || frame.type === type);
  }

  say(...frames) {
    this.onmessage({ data: JSON.stringify(frames.length === 1 ? frames[0] : frames) });
  }

  drop(code = 1006, reason = '') {
    this.onclose({ code, reason });
  }
}

/** A document and its window. */
export class FakePage extends EventTarget {
  visibilityState = 'visible';
  defaultView = new EventTarget();

  show(state) {
    this.visibilityState = state;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

export const welcome = (fields = {}) => ({
  type: 'welcome', id: 1, conn: 'c1', user: { id: 'ann', name: 'Ann' }, ts: 0, ping_s: 25,
  idle_s: 300, limits: { frame: 16384, batch: 64, dedup_s: 600 }, ...fields,
});

export const message = (seq, fields = {}) => ({
  type: 'message', room: 'general', seq, ts: seq * 10, user: 'bo', text: `#${seq}`, ...fields,
});

export const messages = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, index) => message(from + index));

/** Where each join wants to go on. */
export const joins = (socket) =>
  socket.sent('join').map(({ since, epoch, history }) => ({ since, epoch, history }));

/** A chat in a world of its own, with everything it says written down. */
export class World {
  clock = new VirtualClock();
  page = new FakePage();
  sockets = [];
  asked = []; // what getToken was called with
  states = [];
  errors = [];
  notices = [];
  token = () => 'the-token';

  constructor(options = {}, url = 'ws://chat.test/ws') {
    const world = this;
    this.chat = new Chat(url, {
      getToken: async (how) => {
        world.asked.push(how);
        return world.token(how);
      },
      WebSocket: class extends FakeSocket {
        constructor(...args) {
          super(...args);
          world.sockets.push(this);
        }
      },
      clock: this.clock,
      document: this.page,
      random: () => 0.5,
      ...options,
    });
    this.chat.on('state', (state, detail) => this.states.push({ state, ...detail }));
    this.chat.on('error', (error) => this.errors.push(error));
    this.chat.on('notice', (notice) => this.notices.push(notice.code));
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** Opens the newest socket, and answers its `auth`. */
  async greet(fields) {
    await settle();
    this.socket.onopen();
    this.socket.say({ type: 'hello', v: 1, auth: 'required', auth_timeout_s: 10, ts: 0 });
    this.socket.say(welcome({ id: this.socket.sent('auth')[0].id, ...fields }));
    return this.socket;
  }

  async online(fields) {
    this.chat.connect();
    return this.greet(fields);
  }

  /** Breaks the connection, and lets none begin for `ms`. */
  async away(ms) {
    const { token } = this;
    const sockets = this.sockets.length;
    this.token = () => Promise.reject(new Error('offline'));
    this.socket.drop();
    await this.clock.advance(ms);
    this.token = token;
    while (this.sockets.length === sockets) await this.clock.advance(1000);
  }

  /** Answers the newest join of a room. */
  admit(fields = {}) {
    const { id, room } = this.socket.sent('join').at(-1);
    const head = fields.events?.at(-1)?.seq ?? 0;
    const joined = { type: 'joined', id, room, epoch: 'e1', tail: 1, head, perm: 'rw', events: [] };
    this.socket.say({ ...joined, ...fields });
  }

  /** Enters `general`, and writes down what it tells. */
  async general(fields, options) {
    const room = this.chat.join('general', options);
    const told = [];
    for (const event of ['message', 'event', 'joined', 'reset', 'sending', 'presence', 'typing', 'left']) {
      room.on(event, (detail) => told.push([event, detail]));
    }
    const of = (event) => told.filter(([name]) => name === event).map(([, detail]) => detail);
    await this.online();
    this.admit(fields);
    return { room, told, of, seqs: () => of('message').map(({ seq }) => seq) };
  }
}
