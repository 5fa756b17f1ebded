/** The browser's client of Holdfast. `docs/client.md` explains it; times are milliseconds. */

/**
 * `waiting` is between two attempts; `closed` follows `close()`; `failed` is the server's last word
 * (see `StateDetail.reason`). From `closed` and `failed` only `connect()` leads on.
 */
export type ChatState = 'idle' | 'connecting' | 'online' | 'waiting' | 'closed' | 'failed';

/** Why a state was entered. */
export interface StateDetail {
  /** The close code, 1006 for a connection that simply broke. */
  code?: number;
  /** The name in the close reason, or `connect_timeout`, `no_answer`, `token_unavailable`. */
  reason?: string;
  /** `waiting` only: how long until the next attempt. */
  retry_ms?: number;
}

/**
 * `queued`: on its way · `held`: it takes longer than usual, and goes on by itself · `acked`: it
 * has its place in the log, and is safe · `refused`: it is not sent, `error` says why.
 */
export type SendState = 'queued' | 'held' | 'acked' | 'refused';

/** What a user says: `text`, or any JSON as `data`, or both. */
export interface Draft {
  text?: string;
  data?: unknown;
  /** The `seq` of the message this one answers. */
  reply_to?: number;
  /** User ids. */
  mentions?: string[];
  /** The message's own name, `[A-Za-z0-9_-]{1,64}`; made up if missing. Repeating it is safe. */
  cid?: string;
}

/** Where a message stands in its room's log. */
export interface Receipt {
  seq: number;
  ts: number;
}

/** A message on its way out, in the shape of a `Message`, so that one list can show both. */
export interface Sending extends Draft, Partial<Receipt> {
  cid: string;
  state: SendState;
  /** Why it is refused; while `held`, why the server wants it later. */
  error?: ChatError;
}

/** An event of the room's log. `seq` counts 1, 2, 3 … per room, the same for everyone. */
export interface DurableEvent {
  type: string;
  room: string;
  seq: number;
  ts: number;
  /** The author's id. */
  user: string;
  [field: string]: unknown;
}

export interface Message extends DurableEvent {
  type: 'message';
  name?: string;
  /** Only on messages of this very user: what `sending` called it. */
  cid?: string;
  text?: string;
  data?: unknown;
  reply_to?: number;
  mentions?: string[];
}

export interface Member {
  id: string;
  name?: string;
}

/** Who is in a room. A slow reader is not told of everybody: `count` is right, `members` may lag. */
export interface Presence {
  /** Users, not connections. */
  count: number;
  members: Member[];
}

export interface PresenceChange extends Presence {
  join: Member[];
  /** User ids. */
  leave: string[];
}

/** Why a room begins anew: the server's reason, or `gap` if the log itself has a hole. */
export type ResetReason = 'trimmed' | 'too_far' | 'epoch' | 'ahead' | 'gap';

export interface Joined {
  /** Names one unbroken history. */
  epoch: string;
  /** Of the last event handed on. */
  seq: number;
  /** `r` read, `w` write, `m` moderate. */
  perm: string;
  presence: Presence;
  reset?: ResetReason;
}

export interface RoomEvents {
  /** A message: of the history, missed, or live; each once, in order. */
  message: [message: Message];
  /** Any other event of the log, as it came. */
  event: [event: DurableEvent];
  /** In the room and up to date; after each reconnect again. */
  joined: [joined: Joined];
  /** What was shown of the room no longer holds: clear it; the last messages follow. */
  reset: [reset: { reason: ResetReason }];
  /** A message of this page changed its state. */
  sending: [sending: Sending];
  presence: [presence: PresenceChange];
  /** Someone began or stopped typing; `on: false` comes by itself when they fall silent. */
  typing: [typing: { user: string; on: boolean }];
  /** The server ended this user's stay in the room. */
  left: [left: { reason: string }];
}

/** Something the server says to everyone: `degraded`, `recovered`, `token_expiring`, … */
export interface Notice {
  type: 'notice';
  code: string;
  [field: string]: unknown;
}

/** One frame on the wire; the token in `auth` is blanked. */
export interface TappedFrame {
  direction: 'in' | 'out';
  frame: { type: string; [field: string]: any };
  /** The frame's size as UTF-8. */
  readonly bytes: number;
  at: number;
}

export interface ChatEvents {
  state: [state: ChatState, detail: StateDetail];
  notice: [notice: Notice];
  /** A refusal that no `send` waits for: of a join, of the token; `error.room` names the room. */
  error: [error: ChatError];
  /** Every frame, both ways: for a debug console. */
  frame: [frame: TappedFrame];
}

/** What the server allows; see `welcome.limits` of the protocol. */
export interface Limits {
  /** Bytes of one WebSocket message. */
  frame: number;
  /** Code points of `text`. */
  text: number;
  /** Bytes of `data` as JSON. */
  data: number;
  /** Frames in one WebSocket message. */
  batch: number;
  /** Rooms per connection. */
  rooms: number;
  /** Events that a join may ask for. */
  history: number;
  /** Seconds for which a `cid` is remembered. */
  dedup_s: number;
  /** Messages, seconds: so many in any such span, over all of a user's connections. */
  publish: [number, number];
}

export interface Clock {
  now(): number;
  setTimeout(callback: () => void, ms: number): any;
  clearTimeout(timer: any): void;
}

export interface ChatOptions {
  /**
   * Returns a JWT. Called before each connection, and with `fresh: true` when the last token was
   * refused or is about to expire: then a cached one will not do. If it throws, or what it returns
   * can't be a token, it is asked again later.
   */
  getToken(options: { fresh: boolean }): string | Promise<string>;
  /** For tests and other runtimes; by default the globals of the browser. */
  WebSocket?: new (url: string, protocol: string) => any;
  document?: any;
  clock?: Clock;
  random?: () => number;
}

export interface JoinOptions {
  /** How many past events to begin with, 0 to 100, by default 50. */
  history?: number;
  /** Whether to be told who is in the room. */
  presence?: boolean;
  /** Go on after this `seq` of this `epoch`, for an app that keeps a copy of the room. */
  since?: number;
  epoch?: string;
}

/**
 * A refusal. `code` is one of the server's error table, or of this client: `closed`, `failed`,
 * `left`, `outbox_full`, `too_large`, `outcome_unknown`, `user_mismatch`, `token_unavailable`.
 */
export class ChatError extends Error {
  constructor(
    code: string,
    frame?: { detail?: string; room?: string; field?: string; retry_ms?: number },
    cause?: unknown,
  );
  readonly code: string;
  readonly detail?: string;
  readonly room?: string;
  readonly field?: string;
  readonly retry_ms?: number;
}

export interface Room {
  readonly name: string;
  /** Of the last event handed on; undefined before the first `joined`. */
  readonly seq: number | undefined;
  readonly epoch: string | undefined;
  readonly perm: string | undefined;
  readonly presence: Presence;
  /** Calls the listener for each event of that name, until the returned function is called. */
  on<K extends keyof RoomEvents>(
    event: K,
    listener: (...args: RoomEvents[K]) => void,
  ): () => void;
  /**
   * Sends a message, over reconnects and failovers, in order, once. Resolves when it is safe;
   * rejects with a `ChatError` when it is refused.
   */
  send(message: string | Draft): Promise<Receipt>;
  /** Signals typing, if that is possible right now. Call it at each key. */
  typing(on?: boolean): void;
  /** Leaves the room; what was sent before is still delivered. */
  leave(): void;
}

export class Chat {
  /** `url` may be relative to the page. */
  constructor(url: string, options: ChatOptions);
  readonly state: ChatState;
  /** Who the token says this is, once online. */
  readonly user: Member | undefined;
  readonly limits: Limits;
  /** Whether the server holds messages at present, because its storage fails over. */
  readonly degraded: boolean;
  on<K extends keyof ChatEvents>(
    event: K,
    listener: (...args: ChatEvents[K]) => void,
  ): () => void;
  connect(): void;
  /** Ends the connection; messages that are not acked yet are rejected. */
  close(): void;
  /** Enters a room, now or once online, and after each reconnect again. */
  join(room: string, options?: JoinOptions): Room;
}
