/** The life of a connection: its states, its one socket at a time, its first message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { World, settle, welcome } from './world.mjs';

const names = (world) => world.states.map(({ state }) => state);

test('A chat is idle until connect, and then goes through connecting to online.', async () => {
  const world = new World();
  assert.equal(world.chat.state, 'idle');
  await world.online();
  assert.deepEqual(names(world), ['connecting', 'online']);
  assert.deepEqual(world.chat.user, { id: 'ann', name: 'Ann' });
});

test('The socket is opened at the given URL with the subprotocol of the protocol.', async () => {
  const world = new World();
  await world.online();
  assert.deepEqual([world.socket.url, world.socket.protocol], ['ws://chat.test/ws', 'chat.v1']);
});

test('Auth and the joins of all rooms travel as one message.', async () => {
  const world = new World();
  world.chat.join('a', { history: 5 });
  world.chat.join('b', { presence: true });
  const socket = await world.online();
  assert.equal(socket.messages.length, 1);
  assert.deepEqual(socket.sent().map(({ id, client, ...frame }) => frame), [
    { type: 'auth', token: 'the-token', batch: true },
    { type: 'join', room: 'a', history: 5 },
    { type: 'join', room: 'b', presence: true },
  ]);
});

test('A single frame is sent as such, not as an array.', async () => {
  const world = new World();
  const socket = await world.online();
  world.page.show('visible');
  assert.deepEqual(socket.messages, [socket.sent('auth')[0], { type: 'ping' }]);
});

test('A room that is joined while connecting is in the first message, once.', async () => {
  const world = new World();
  await world.online();
  world.socket.drop(4300);
  world.chat.join('a');
  await settle();
  world.chat.join('b');
  await world.greet();
  assert.equal(world.socket.messages.length, 1);
  assert.deepEqual(world.socket.sent('join').map(({ room }) => room), ['a', 'b']);
});

test('A first message over the limit of bytes is sent frame by frame instead.', async () => {
  const world = new World();
  world.token = () => 'x'.repeat(16_000);
  for (let n = 0; n < 10; n += 1) world.chat.join(`a-room-with-a-rather-long-name-${n}`);
  const socket = await world.online();
  assert.equal(socket.messages.length, 11);
  assert.equal(socket.messages[0].type, 'auth');
});

test('Connect does nothing while connecting or online.', async () => {
  const world = new World();
  world.chat.connect();
  await world.online();
  world.chat.connect();
  await settle();
  assert.equal(world.sockets.length, 1);
});

test('Close ends in closed, closes the socket, leaves no timer, and connect starts again.', async () => {
  const world = new World();
  const socket = await world.online();
  world.chat.close();
  assert.deepEqual([world.chat.state, socket.isClosed, world.clock.pending], ['closed', true, 0]);
  await world.online();
  assert.equal(world.chat.state, 'online');
});

test('Handlers of an old socket are inert.', async () => {
  const world = new World();
  const old = await world.online();
  const handlers = { ...old };
  old.drop(4300);
  await world.greet();
  const before = [names(world), world.sockets.length, world.chat.user.id];
  handlers.onopen();
  handlers.onmessage({ data: JSON.stringify(welcome({ user: { id: 'eve' } })) });
  handlers.onclose({ code: 4004, reason: 'kicked' });
  assert.deepEqual([names(world), world.sockets.length, world.chat.user.id], before);
  assert.equal(old.messages.length, 1);
});

test('Nothing is given to a socket that is closing: the browser would complain.', async () => {
  const world = new World();
  const { room } = await world.general();
  world.socket.readyState = 2;
  room.send('a');
  room.typing();
  assert.deepEqual(world.socket.sent().map(({ type }) => type), ['auth', 'join']);
  world.socket.drop(4300);
  await world.greet();
  world.admit();
  assert.deepEqual(world.socket.sent('publish').map(({ text }) => text), ['a']);
});

test('A token that arrives after close opens nothing.', async () => {
  const world = new World();
  let give;
  world.token = () => new Promise((resolve) => { give = resolve; });
  world.chat.connect();
  await settle();
  world.chat.close();
  give('late');
  await settle();
  assert.deepEqual([world.sockets.length, world.chat.state], [0, 'closed']);
});

test('Frames of unknown type are ignored.', async () => {
  const world = new World();
  const socket = await world.online();
  socket.say({ type: 'weather', room: 'nowhere' }, { type: 'toString' }, { no: 'type' });
  assert.deepEqual([world.errors, world.chat.state], [[], 'online']);
});

test('A listener that closes the chat ends the batch that it was called from.', async () => {
  const world = new World();
  const socket = await world.online();
  world.chat.on('notice', () => world.chat.close());
  socket.say({ type: 'notice', code: 'maintenance' }, { type: 'notice', code: 'degraded' });
  assert.deepEqual(world.notices, ['maintenance']);
});

test('A listener that throws harms neither the others nor the chat, and is reported.', async (t) => {
  const world = new World();
  const uncaught = new Promise((resolve) => {
    const old = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', resolve);
    t.after(() => old.forEach((listener) => process.on('uncaughtException', listener)));
  });
  const heard = [];
  world.chat.on('notice', () => { throw new Error('mine'); });
  world.chat.on('notice', ({ code }) => heard.push(code));
  const socket = await world.online();
  socket.say({ type: 'notice', code: 'maintenance' });
  assert.deepEqual(heard, ['maintenance']);
  assert.equal((await uncaught).message, 'mine');
});

test('A listener is called no more once its function was called.', async () => {
  const world = new World();
  const heard = [];
  const stop = world.chat.on('notice', ({ code }) => heard.push(code));
  const socket = await world.online();
  socket.say({ type: 'notice', code: 'a' });
  stop();
  socket.say({ type: 'notice', code: 'b' });
  assert.deepEqual(heard, ['a']);
});

test('A welcome that says degraded is noticed as such, and one that no longer does as recovered.', async () => {
  const world = new World();
  await world.online({ degraded: true });
  assert.deepEqual([world.notices, world.chat.degraded], [['degraded'], true]);
  world.socket.drop(4300);
  await world.greet();
  assert.deepEqual([world.notices, world.chat.degraded], [['degraded', 'recovered'], false]);
});

test('A URL that makes no sense is refused at once.', () => {
  assert.throws(() => new World({}, 'no url'), TypeError);
});

test('A URL may be relative to the page.', async (t) => {
  globalThis.location = { href: 'https://chat.test/app/index.html' };
  t.after(() => delete globalThis.location);
  const world = new World({}, '/ws');
  await world.online();
  assert.equal(world.socket.url, 'wss://chat.test/ws');
});
