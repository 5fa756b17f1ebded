/**
 * The client against the real server, over real sockets, on the real clock.
 *
 * CHAT_URL is the server's socket, CHAT_TOKENS its tokens of two users, ann's and bo's, as JSON.
 * Node 20 has WebSocket behind --experimental-websocket. `test_client.py` brings all of it.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Chat } from '../../console/client.js';

const { CHAT_URL: url, CHAT_TOKENS: tokens = '[]' } = process.env;
const [ann, bo] = JSON.parse(tokens);
const skip = url ? false : 'CHAT_URL names no server';
const chats = [];

after(() => chats.forEach((chat) => chat.close()));

/** Resolves with the first event that the condition holds for. */
const next = (source, event, condition = () => true) => new Promise((resolve, reject) => {
  const deadline = setTimeout(() => reject(new Error(`no ${event} in 10 s`)), 10_000);
  source.on(event, (detail) => {
    if (!condition(detail)) return;
    clearTimeout(deadline);
    resolve(detail);
  });
});

/** A WebSocket class whose open sockets a test can break. */
function breakable() {
  const sockets = [];
  const WebSocket = class extends globalThis.WebSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
    }
  };
  // Not one that is connecting: Node 20 then fires no event at all, which no browser does.
  const open = () => sockets.filter(({ readyState }) => readyState === 1);
  return { WebSocket, cut: () => open().forEach((socket) => socket.close()) };
}

function enter(token, name, options = {}, more = {}) {
  const chat = new Chat(url, { getToken: () => token, ...more });
  chats.push(chat);
  const room = chat.join(name, options);
  const shown = [];
  room.on('message', (message) => shown.push(message));
  const joined = next(room, 'joined');
  chat.connect();
  return { chat, room, shown, joined };
}

const fresh = (name) => `${name}-${crypto.randomUUID()}`;

test('Two users in a room see the same messages under the same numbers.', { skip }, async () => {
  const name = fresh('talk');
  const first = enter(ann, name);
  const second = enter(bo, name);
  await Promise.all([first.joined, second.joined]);
  const arrived = next(first.room, 'message', ({ text }) => text === 'three');
  const receipts = [];
  for (const text of ['one', 'two', 'three']) receipts.push(await second.room.send(text));
  await arrived;
  assert.deepEqual(receipts.map(({ seq }) => seq), [1, 2, 3]);
  assert.deepEqual(first.shown.map(({ seq, text, user }) => [seq, text, user]),
    [[1, 'one', 'bo'], [2, 'two', 'bo'], [3, 'three', 'bo']]);
});

test('History, presence and permission come with the join.', { skip }, async () => {
  const name = fresh('history');
  const { room, joined } = enter(ann, name, { presence: true });
  await joined;
  for (let n = 1; n <= 5; n += 1) await room.send(`${n}`);
  const came = next(room, 'presence', ({ count }) => count === 2);
  const later = enter(bo, name, { history: 2, presence: true });
  const { perm, presence } = await later.joined;
  assert.deepEqual(later.shown.map(({ seq }) => seq), [4, 5]);
  assert.match(perm, /rw/);
  assert.equal(presence.count, 2);
  assert.ok((await came).join.some(({ id }) => id === 'bo'));
});

test('A client whose socket is cut resumes: nothing missed, nothing twice, all sent.', { skip }, async () => {
  const name = fresh('resume');
  const { WebSocket, cut } = breakable();
  const listener = enter(ann, name, {}, { WebSocket });
  const talker = enter(bo, name, {}, { WebSocket });
  await Promise.all([listener.joined, talker.joined]);
  const sent = [];
  for (let n = 1; n <= 12; n += 1) {
    sent.push(talker.room.send(`${n}`));
    if (n % 4 === 0) cut();
    await new Promise((resolve) => { setTimeout(resolve, 40); });
  }
  await Promise.all(sent);
  if (listener.shown.length < 12) await next(listener.room, 'message', ({ seq }) => seq === 12);
  const expected = Array.from({ length: 12 }, (_, n) => `${n + 1}`);
  assert.deepEqual(listener.shown.map(({ text }) => text), expected);
  assert.deepEqual(talker.shown.map(({ text }) => text), expected);
});

test('Typing reaches the others, and a refusal rejects the promise of send.', { skip }, async () => {
  const name = fresh('typing');
  const first = enter(ann, name);
  const second = enter(bo, name);
  await Promise.all([first.joined, second.joined]);
  const typing = next(first.room, 'typing');
  second.room.typing();
  assert.deepEqual(await typing, { user: 'bo', on: true });
  await assert.rejects(second.room.send('x'.repeat(4001)), { code: 'too_large' });
  await assert.rejects(second.room.send({}), { code: 'bad_request' });
});

test('A text that was cut within an emoji arrives, and holds up none behind it.', { skip }, async () => {
  const { room, shown, joined } = enter(ann, fresh('cut'));
  await joined;
  const arrived = next(room, 'message', ({ text }) => text === 'next');
  await Promise.all([room.send('good morning 😀'.slice(0, -1)), room.send('next'), arrived]);
  assert.deepEqual(shown.map(({ text }) => text), ['good morning \ufffd', 'next']);
});

test('A token that is no good ends in failed, after one fresh one.', { skip }, async () => {
  const asked = [];
  const chat = new Chat(url, { getToken: ({ fresh: isFresh }) => asked.push(isFresh) && 'no.good.token' });
  chats.push(chat);
  const failed = next(chat, 'state', (state) => state === 'failed');
  chat.connect();
  await failed;
  assert.deepEqual(asked, [false, true]);
});
