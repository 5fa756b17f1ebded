// SPDX-License-Identifier: Apache-2.0
/**
 * The browser's client of Holdfast: rooms that stay whole while networks, servers and masters fail.
 * What `client.d.ts` names is the API; every other method here is one part's door to another.
 * @import * as api from './client.d.ts'
 */
const SUBPROTOCOL = 'chat.v1';
const CLIENT = 'holdfast-client/0.1.0';
const SOCKET_OPEN = 1; // its readyState; above, it is closing, and complains of what it is given
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
const TIMER_MAX_MS = 600_000; // past 2^31 a browser's timer fires at once, whoever asked for it
const CONNECT_DEADLINE_MS = 15_000; // token, handshake, welcome; the server waits 10 s for auth
const ANSWER_DEADLINE_MS = 30_000; // the server holds a frame for at most 15 s, then answers
const PONG_DEADLINE_MS = 5_000;
const STABLE_MS = 10_000; // a connection that lived this long ends a series of failures
const SILENT_PINGS = 2; // so many ping intervals without a word, and the link is probed
const HELD_AFTER_MS = 2_000; // an ack takes milliseconds, a failover 2 to 4 s
const TYPING_EVERY_MS = 2_000; // the server takes one "is typing" per room in 2 s
const OUTBOX_MESSAGES = 100; // per room
const DEDUP_MARGIN_MS = 30_000; // a repeat may be held on its way: the last one starts this early
const ID_BYTES = 24; // what `,"id":…` adds to a frame at most

/** @type {api.Limits} What the server allows, until its `welcome` says otherwise. */
const LIMITS = { frame: 16_384, text: 4_000, data: 4_096, batch: 64, rooms: 50, history: 100,
  dedup_s: 600, publish: [30, 60] };
/** A message that is surely not in the log. */
const UNSENT = { sentAt: Infinity, isDoubtful: false };
/** @type {api.Clock} */
const CLOCK = { now: () => Date.now(), setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer) };

/** JSON where half a surrogate pair, as of a text cut within an emoji, is U+FFFD as in UTF-8. */
const json = (value) => JSON.stringify(value)
  .replace(/\\(?:(ud...)|.)/g, (escape, half) => (half ? '\ufffd' : escape));
const byteLength = (value) => new TextEncoder().encode(json(value)).length;

/** A refusal: by the server, with a code of its error table, or by this client. */
export class ChatError extends Error {
  /** @param {string} code @param {any} [frame] @param {unknown} [cause] */
  constructor(code, { detail, room, field, retry_ms } = {}, cause) {
    super(detail ? `${code}: ${detail}` : code, { cause });
    Object.assign(this, { name: 'ChatError', code, detail, room, field, retry_ms });
  }
}

class Emitter {
  #listeners = new Map();

  /** Calls the listener for each event of that name, until the returned function is called. */
  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Tells the listeners; one that throws is reported as uncaught and harms nobody else. */
  emit(event, ...args) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try { listener(...args); } catch (error) { queueMicrotask(() => { throw error; }); }
    }
  }
}

/** The messages to one room: in order, one on its way at a time, each repeated until answered. */
class Outbox {
  room; // that hears of them
  #chat;
  #queue = [];
  #isOpen = false; // the room has caught up: what the log already had is settled
  #isBusy = false; // the first is on its way

  constructor(chat) { this.#chat = chat; }

  get isEmpty() { return this.#queue.length === 0; }

  add({ cid = this.#chat.cid(), text, data, reply_to, mentions }) {
    if (['closed', 'failed'].includes(this.#chat.state)) throw new ChatError(this.#chat.state);
    if (this.#queue.length >= OUTBOX_MESSAGES) throw new ChatError('outbox_full');
    // A copy: repeating a cid with other content would be a conflict.
    const draft = JSON.parse(json({ text, data, reply_to, mentions }));
    return new Promise((resolve, reject) => {
      const entry = { cid, draft, resolve, reject, sentAt: Infinity };
      this.#queue.push(entry);
      this.#mark(entry, this.#chat.degraded ? 'held' : 'queued');
      this.#chat.later(HELD_AFTER_MS, () => {
        if (entry.state === 'queued') this.#mark(entry, 'held');
        if (entry.state === 'held') this.#chat.probe();
      });
      this.#pump();
    });
  }

  /** Lets the messages go. Once `isRead`, the log shows that the first is not in it. */
  open(isRead = false) {
    const [first] = this.#queue;
    if (isRead && !this.#isBusy && first && !first.isDoubtful) Object.assign(first, UNSENT);
    this.#isOpen = true;
    this.#pump();
  }

  shut() { this.#isOpen = this.#isBusy = false; }

  /** Notes that a part of the log is never read: the first may be there, if it was sent. */
  doubt() { if (this.#queue[0]?.sentAt < Infinity) this.#queue[0].isDoubtful = true; }

  /** Marks all messages anew, by default as what they are: for a list that was just cleared. */
  remark(state) {
    for (const entry of [...this.#queue]) this.#mark(entry, state ?? entry.state);
  }

  /** Compares an event of this user's with the first message, which may have become it. */
  confirm({ cid, seq, ts }) {
    if (this.#queue[0]?.cid === cid) this.#settle('acked', { seq, ts });
  }

  refuse(code) {
    const error = new ChatError(code, { room: this.room.name });
    for (const entry of this.#queue.splice(0)) this.#mark(entry, 'refused', { error });
  }

  #pump() {
    const [entry] = this.#queue;
    if (!entry || !this.#isOpen || this.#isBusy || entry.isEarly) return;
    const { now, limits } = this.#chat;
    const isForgotten = now - entry.sentAt > limits.dedup_s * 1000 - DEDUP_MARGIN_MS;
    const frame = { type: 'publish', room: this.room.name, cid: entry.cid, ...entry.draft };
    const refuse = (code) => this.#settle('refused', { error: new ChatError(code, frame) });
    if (isForgotten) refuse('outcome_unknown');
    else if (byteLength(frame) + ID_BYTES > limits.frame) refuse('too_large');
    else {
      entry.sentAt = Math.min(entry.sentAt, now);
      this.#isBusy = true;
      this.#chat.ask(frame, (reply) => this.#answered(entry, reply));
    }
  }

  #answered(entry, reply) {
    if (entry !== this.#queue[0]) return; // its own event was faster
    const error = new ChatError(reply.code, reply);
    if (reply.type === 'ack') this.#settle('acked', { seq: reply.ref, ts: reply.ts });
    else if (reply.retry_ms === undefined) this.#settle('refused', { error });
    else {
      if (reply.code === 'rate_limited') Object.assign(entry, UNSENT); // surely not stored
      entry.isEarly = true;
      this.#isBusy = false;
      this.#mark(entry, 'held', { error });
      // Whatever a clock that is set says meanwhile.
      this.#chat.later(reply.retry_ms, () => delete entry.isEarly && this.#pump());
    }
  }

  #settle(state, outcome) {
    this.#isBusy = false;
    this.#mark(this.#queue.shift(), state, outcome);
    if (this.room.isLeft) this.#chat.left(this.room);
    else this.#pump();
  }

  #mark(entry, state, outcome = {}) {
    entry.state = state;
    if (state === 'acked') entry.resolve(outcome);
    if (state === 'refused') entry.reject(outcome.error);
    this.room.emit('sending', { cid: entry.cid, state, ...entry.draft, ...outcome });
  }
}

/**
 * One room: how far its log was read, who is there, and what is said.
 * @implements {api.Room}
 */
export class Room extends Emitter {
  seq; // of the last event handed on
  epoch;
  perm;
  /** @type {api.Presence} */ presence = { count: 0, members: [] };
  isLeft = false;
  #chat;
  #options;
  #stage = 'out'; // then `asked`, `joining` once that is answered, and `live` once caught up
  #gapAt; // where the last gap began
  #resetBy; // why the room began anew
  #members = new Map();
  #typists = new Map();
  #typedAt = -Infinity;

  constructor(chat, name, options, outbox) {
    super();
    this.#chat = chat;
    this.#options = options;
    this.name = name;
    ({ since: this.seq, epoch: this.epoch } = options);
    this.outbox = outbox;
    outbox.room = this;
    outbox.doubt(); // what was said since another stay was left
  }

  async send(message) {
    if (this.isLeft) throw new ChatError('left', { room: this.name });
    this.#typedAt = -Infinity; // a message ends it, for everyone
    return this.outbox.add(typeof message === 'string' ? { text: message } : message);
  }

  /** Tells others, if that can be done at once: nothing is as stale as a late "is typing". */
  typing(on = true) {
    const { now } = this.#chat;
    const isTold = on ? now - this.#typedAt < TYPING_EVERY_MS : this.#typedAt === -Infinity;
    if (this.#stage !== 'live' || isTold) return;
    this.#typedAt = on ? now : -Infinity;
    this.#chat.post({ type: 'typing', room: this.name, on });
  }

  leave() {
    if (this.isLeft) return;
    this.#chat.part(this.name);
    this.#leave();
  }

  /** Returns the join that goes on where this room stands, and who takes the answer. */
  entry() {
    const { history, presence } = this.#options;
    const place = this.seq === undefined ? { history } : { since: this.seq, epoch: this.epoch };
    this.#stage = 'asked';
    return [{ type: 'join', room: this.name, ...place, presence }, (reply) => this.take(reply)];
  }

  parted() {
    this.#stage = 'out';
    this.outbox.shut();
  }

  take(frame) {
    if (this.isLeft) return;
    if (frame.type === 'joined') this.#joined(frame);
    else if (frame.type === 'events') this.#page(frame);
    else if (frame.type === 'presence') this.#attend(frame);
    else if (frame.type === 'typing') this.#heed(frame);
    else if (frame.type === 'error') this.#refused(frame);
    else if (frame.type === 'left') this.#leave(frame.reason);
    else if (Number.isInteger(frame.seq)) this.#follow(frame);
  }

  #joined(frame) {
    const isOther = this.epoch !== undefined && this.epoch !== frame.epoch;
    this.#stage = 'joining';
    if (this.seq !== undefined && (frame.reset || isOther)) this.#forget(frame.reset ?? 'epoch');
    if (this.seq === undefined) this.outbox.doubt();
    this.seq ??= (frame.events[0]?.seq ?? frame.head + 1) - 1;
    this.epoch = frame.epoch;
    this.perm = frame.perm;
    if (frame.presence) this.#attend(frame.presence, new Map());
    this.#page(frame);
  }

  /** Hands events on; a listener may leave the room, or close the chat and connect anew. */
  #page({ events, more }) {
    for (const event of events) this.#deliver(event);
    if (more || this.#stage !== 'joining') return;
    this.#stage = 'live';
    if (this.#resetBy) this.outbox.remark();
    const { epoch, seq, perm, presence } = this;
    this.emit('joined', { epoch, seq, perm, presence, reset: this.#resetBy });
    this.#resetBy = undefined;
    if (this.#stage === 'live') this.outbox.open(true);
  }

  /** Takes a live event: the next one is handed on, an old one dropped, a gap filled once. */
  #follow(event) {
    if (event.seq === this.seq + 1) this.#deliver(event);
    else if (event.seq > this.seq && this.#stage === 'live') {
      if (this.#gapAt === this.seq) this.#forget('gap'); // the log itself has this hole
      this.#gapAt = this.seq;
      this.#chat.ask(...this.entry());
    }
  }

  /**
   * The seam for edits, deletes and reactions: they pass as `event`, in their place, unfolded.
   * What comes before the answer to a join is of an earlier stay, or will be in the answer.
   */
  #deliver(event) {
    if (!(event.seq > this.seq) || ['out', 'asked'].includes(this.#stage)) return;
    this.seq = event.seq;
    if (this.#typists.has(event.user)) this.#heed({ user: event.user, on: false });
    const { cid, ...foreign } = event;
    const isOwn = event.user === this.#chat.user.id;
    if (isOwn) this.outbox.confirm(event);
    // A cid is its author's own name for a message: another user's may repeat one of ours.
    this.emit(event.type === 'message' ? 'message' : 'event', isOwn ? event : foreign);
  }

  #forget(reason) {
    this.seq = undefined;
    this.#resetBy = reason;
    this.emit('reset', { reason });
  }

  /** Whatever was refused: with `retry_ms`, a join that the server may have begun by itself. */
  #refused(refusal) {
    if (refusal.retry_ms !== undefined) {
      this.#chat.after(refusal.retry_ms, () => this.isLeft || this.#chat.ask(...this.entry()));
    } else {
      this.outbox.open(); // who may not read may still be allowed to write
      this.#chat.report(refusal.code, { room: this.name, ...refusal });
    }
  }

  /** Ends the stay; `reason` is the server's, if it was not this user's own wish. */
  #leave(reason) {
    this.isLeft = true;
    this.#stage = 'out';
    this.#chat.left(this);
    if (reason !== undefined) this.emit('left', { reason });
  }

  #attend({ count, members = [], join = [], leave = [] }, known = this.#members) {
    for (const member of [...members, ...join]) known.set(member.id, member);
    for (const id of leave) known.delete(id);
    this.#members = known;
    this.presence = { count, members: [...known.values()] };
    this.emit('presence', { ...this.presence, join, leave });
  }

  #heed(typing) {
    const { user, on, ttl_ms } = typing;
    if (user === this.#chat.user?.id) return;
    this.#typists.set(user, typing);
    const isLast = () => this.#typists.get(user) === typing;
    if (on) this.#chat.later(ttl_ms, () => isLast() && this.#heed({ user, on: false }));
    else this.#typists.delete(user);
    this.emit('typing', { user, on });
  }
}

/**
 * A user's way into the rooms of a server, over one socket at a time. Sockets, timers, replies and
 * tokens belong to a generation: once the next has begun, what an older one brings is ignored.
 * @implements {api.Chat}
 */
export class Chat extends Emitter {
  /** @type {api.ChatState} */ state = 'idle';
  /** @type {api.Member | undefined} */ user;
  limits = LIMITS;
  degraded = false;
  #url;
  #options;
  #socket;
  #generation = 0;
  #rooms = new Map();
  #timers = new Set();
  #replies = new Map();
  #lastId = 0;
  #heard = 0; // messages so far: while this stands still, nothing comes
  #onlineAt = Infinity; // since when it is online, if it is
  #failures = 0; // in a row
  #isGreeted = false; // `auth` is on its way, so other frames may follow it
  #isProbing = false;
  #isBidden = false; // the server itself named the time to wait
  #isTokenRefused = false;

  /** @param {string} url @param {api.ChatOptions} options */
  constructor(url, options) {
    super();
    this.#url = new URL(url, globalThis.location?.href).href.replace(/^http/, 'ws');
    const { WebSocket, document } = globalThis;
    this.#options = { WebSocket, document, clock: CLOCK, random: Math.random, ...options };
  }

  connect() {
    if (this.state === 'connecting' || this.state === 'online') return;
    this.#watchPage('addEventListener');
    this.#dial();
  }

  close() { this.#end('closed'); }

  /** @param {string} name @param {api.JoinOptions} [options] */
  join(name, options = {}) {
    const known = this.#rooms.get(name);
    if (known && !known.isLeft) return known;
    const room = new Room(this, name, options, known?.outbox ?? new Outbox(this));
    this.#rooms.set(name, room);
    this.ask(...room.entry());
    return room;
  }

  /** Tells the server that a room was left; if it will hear that later only, later again. */
  part(room) {
    const again = () => this.#rooms.get(room)?.isLeft === false || this.part(room);
    this.ask({ type: 'leave', room }, ({ retry_ms: ms }) => ms >= 0 && this.after(ms, again));
  }

  /** A room that was left stays until its last message is sent. */
  left(room) {
    if (room.outbox.isEmpty) this.#rooms.delete(room.name);
    else if (this.state === 'online') room.outbox.open();
  }

  get now() { return this.#options.clock.now(); }

  /** Runs it after `ms`, whatever becomes of the connection. */
  later(ms, run) { return this.#options.clock.setTimeout(run, Math.min(ms, TIMER_MAX_MS)); }

  /** Runs it after `ms`, unless the connection ends before. */
  after(ms, run) {
    const timer = this.later(ms, () => this.#timers.delete(timer) && run());
    this.#timers.add(timer);
  }

  /** Returns a message's own name: 100 random bits, so that no two of a user are alike. */
  cid() {
    const half = () => Math.floor(this.#options.random() * 2 ** 50).toString(36).padStart(10, '0');
    return half() + half();
  }

  /** Sends frames as one message if that is within the limits, else one by one. */
  post(...frames) {
    if (this.#socket.readyState > SOCKET_OPEN) return;
    const isBatch = frames.length > 1 && frames.length <= this.limits.batch
      && byteLength(frames) <= this.limits.frame;
    for (const message of isBatch ? [frames] : frames) this.#socket.send(json(message));
    for (const frame of frames) this.#tap('out', frame);
  }

  /** Sends a frame with an id; the one answer to that id goes to `reply`. */
  ask(frame, reply) { if (this.#isGreeted) this.post(this.#expect(frame, reply)); }

  #expect(frame, reply) {
    const id = ++this.#lastId;
    this.#replies.set(id, reply);
    this.after(ANSWER_DEADLINE_MS, () => this.#replies.has(id) && this.#lose());
    return { ...frame, id };
  }

  /** Makes sure that someone is at the other end: a dead socket can look open for minutes. */
  probe() {
    if (this.state !== 'online' || this.#isProbing) return;
    const heard = this.#heard;
    this.#isProbing = true;
    this.post({ type: 'ping' });
    this.after(PONG_DEADLINE_MS, () => {
      this.#isProbing = false;
      if (heard === this.#heard) this.#lose();
    });
  }

  /** @param {string} code @param {any} [frame] @param {unknown} [cause] */
  report(code, frame, cause) { this.emit('error', new ChatError(code, frame, cause)); }

  #tap(direction, frame) {
    const shown = frame.type === 'auth' ? { ...frame, token: '***' } : frame;
    const at = this.now;
    this.emit('frame', { direction, frame: shown, at, get bytes() { return byteLength(frame); } });
  }

  #become(state, detail = {}) {
    this.state = state;
    this.emit('state', state, detail);
  }

  /** @param {'addEventListener' | 'removeEventListener'} method */
  #watchPage(method) {
    const page = this.#options.document;
    page?.[method]('visibilitychange', this.#onPage);
    page?.defaultView?.[method]('pageshow', this.#onPage);
    page?.defaultView?.[method]('online', this.#onPage);
  }

  #onPage = () => {
    if (this.#options.document?.visibilityState === 'hidden') return;
    if (this.state === 'waiting' && !this.#isBidden) this.#dial();
    else this.probe();
  };

  /** Turns away from the socket there is, if any: the next generation begins. */
  #renew() {
    if (this.now - this.#onlineAt >= STABLE_MS) this.#forgive();
    this.#onlineAt = Infinity;
    for (const timer of this.#timers) this.#options.clock.clearTimeout(timer);
    this.#timers.clear();
    this.#replies.clear();
    this.#isGreeted = this.#isProbing = this.#isBidden = false;
    this.#generation += 1;
    this.#socket?.close();
    this.#socket = undefined;
    for (const room of this.#rooms.values()) room.parted();
  }

  /** Returns a handler that is inert once the next generation has begun. */
  #current(handler) {
    const generation = this.#generation;
    return (...args) => generation === this.#generation && handler(...args);
  }

  #dial(detail = {}) {
    this.#renew();
    const open = this.#current((token) => this.#open(token));
    const fail = this.#current(() => this.#closed(1006, 'token_unavailable'));
    const isLate = () => this.state === 'connecting';
    this.after(CONNECT_DEADLINE_MS, () => isLate() && this.#closed(1006, 'connect_timeout'));
    this.#become('connecting', detail); // of which a listener may make an end at once
    this.#token(this.#isTokenRefused).then(open, fail);
  }

  async #token(fresh) {
    const report = this.#current((cause) => this.report('token_unavailable', undefined, cause));
    try {
      const token = await this.#options.getToken({ fresh });
      // Characters as RFC 6750 §2.1 has them: the error page of an app that is down is no token.
      if (typeof token === 'string' && /^[\w.~+/=-]+$/.test(token)) return token;
      throw new TypeError('getToken returned no token');
    } catch (cause) {
      report(cause);
      throw cause;
    }
  }

  #open(token) {
    this.#socket = new this.#options.WebSocket(this.#url, SUBPROTOCOL);
    this.#socket.onmessage = this.#current(({ data }) => this.#receive(data));
    this.#socket.onclose = this.#current(({ code, reason }) => this.#closed(code, reason));
    this.#socket.onopen = this.#current(() => {
      this.#isGreeted = true;
      const rooms = [...this.#rooms.values()].filter((room) => !room.isLeft);
      const joins = rooms.map((room) => this.#expect(...room.entry()));
      // A refused token closes the socket, and the code says all there is to say.
      this.post(this.#auth(token, () => {}), ...joins);
    });
  }

  #auth(token, reply) {
    return this.#expect({ type: 'auth', token, batch: true, client: CLIENT }, reply);
  }

  /** Replaces the token of the open connection before it expires. */
  #refresh(failures = 0) {
    const again = () => this.after(this.#jitter(failures), () => this.#refresh(failures + 1));
    const send = (token) => this.post(this.#auth(token, (reply) => {
      this.#take(reply);
      if (reply.retry_ms !== undefined) this.after(reply.retry_ms, () => this.#refresh());
    }));
    this.#token(true).then(this.#current(send), this.#current(again));
  }

  #receive(data) {
    this.#heard += 1;
    const handle = this.#current((frame) => this.#handle(frame)); // a listener may close the chat
    for (const frame of [JSON.parse(data)].flat()) handle(frame);
  }

  #handle(frame) {
    this.#tap('in', frame);
    const { type, id, reason, retry_ms } = frame;
    if (type === 'ping') return this.post({ type: 'pong', id }); // its id is not one of ours
    const reply = this.#replies.get(id) ?? ((event) => this.#take(event));
    this.#replies.delete(id);
    if (type === 'welcome') this.#welcome(frame);
    else if (type === 'notice') this.#notice(frame);
    else if (type === 'goaway') this.after(retry_ms, () => this.#dial({ reason }));
    else reply(frame);
  }

  #take(frame) {
    const room = this.#rooms.get(frame.room);
    if (room) room.take(frame);
    else if (frame.type === 'error') this.report(frame.code, frame);
  }

  #welcome({ user, limits, ping_s, degraded = false }) {
    const isSameUser = this.user === undefined || this.user.id === user.id;
    this.user = user;
    this.limits = { ...LIMITS, ...limits };
    this.#onlineAt = this.now;
    this.#watchSilence(ping_s * 1000 * SILENT_PINGS);
    this.#become('online');
    for (const room of this.#rooms.values()) {
      if (!isSameUser) room.outbox.refuse('user_mismatch'); // nobody speaks in another's name
      if (room.isLeft) this.left(room);
    }
    if (degraded !== this.degraded) this.#notice({ code: degraded ? 'degraded' : 'recovered' });
  }

  #watchSilence(ms, heard = this.#heard) {
    this.after(ms, () => {
      if (heard === this.#heard) this.probe();
      this.#watchSilence(ms);
    });
  }

  #notice({ code, ...rest }) {
    if (code === 'token_expiring') this.#refresh();
    if (code === 'degraded' || code === 'recovered') this.degraded = code === 'degraded';
    for (const room of this.#rooms.values()) if (code === 'degraded') room.outbox.remark('held');
    this.emit('notice', { ...rest, type: 'notice', code });
  }

  /** The socket looks open, and nobody answers. */
  #lose() { this.#closed(1006, 'no_answer', 43); }

  /** The hundreds of a close code say what to do, so codes to come are understood too. */
  #closed(code, reason, hundreds = Math.floor(code / 100)) {
    this.#renew();
    const failures = this.#failures++;
    const retry = /\bretry=(\d+)/.exec(reason)?.[1];
    const isAgain = hundreds === 41 && this.#isTokenRefused;
    // 4100 is of a token that came too late: by the network, whatever the token is.
    const isFinal = hundreds === 40 || (isAgain && code !== 4100);
    const isUrgent = !retry && !isAgain && (hundreds === 41 || (hundreds === 43 && failures === 0));
    // A restart tells each client a time of its own; elsewhere all may be told the same one.
    const jitter = code === 1012 && retry ? 0 : this.#jitter(failures);
    this.#isTokenRefused ||= hundreds === 41;
    if (isFinal) this.#end('failed', { code, reason });
    else if (isUrgent) this.#dial({ code, reason });
    else this.#wait({ code, reason, retry_ms: Number(retry ?? 0) + jitter }, Boolean(retry));
  }

  /** Full jitter: a crowd that was cut off together must not come back together. */
  #jitter(failures) {
    return this.#options.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures);
  }

  #wait(detail, isBidden) {
    this.#isBidden = isBidden;
    this.after(detail.retry_ms, () => this.#dial());
    this.#become('waiting', detail);
  }

  #end(state, detail = {}) {
    this.#watchPage('removeEventListener');
    this.#renew();
    this.#forgive();
    this.#become(state, detail);
    for (const room of this.#rooms.values()) room.outbox.refuse(state);
  }

  /** Forgets the failures of before: the next one is the first again. */
  #forgive() {
    this.#failures = 0;
    this.#isTokenRefused = false;
  }
}
