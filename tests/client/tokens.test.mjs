/** Tokens: when one is asked for, when it is given up on, and that none is ever shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { World, settle } from './world.mjs';

for (const code of [4101, 4102, 4103, 4177]) {
  test(`Close code ${code} asks for a fresh token once, and at once; the second ends in failed.`, async () => {
    const world = new World();
    await world.online();
    world.socket.drop(code, 'token_expired');
    await settle();
    assert.deepEqual(world.asked, [{ fresh: false }, { fresh: true }]);
    assert.equal(world.sockets.length, 2);
    world.socket.onopen();
    world.socket.drop(code, 'token_expired');
    await world.clock.advance(3_600_000);
    assert.deepEqual(world.states.at(-1), { state: 'failed', code, reason: 'token_expired' });
    assert.deepEqual([world.asked.length, world.sockets.length], [2, 2]);
  });
}

test('A fresh token is asked for when the server says: at once it would be as revoked as the last.', async () => {
  const world = new World();
  await world.online();
  world.socket.drop(4103, 'token_revoked retry=2000');
  assert.deepEqual(world.states.at(-1),
    { state: 'waiting', code: 4103, reason: 'token_revoked retry=2000', retry_ms: 2250 });
  await world.clock.advance(2249);
  world.page.show('visible');
  assert.equal(world.asked.length, 1);
  await world.clock.advance(1);
  await world.greet();
  assert.deepEqual([world.chat.state, world.asked], ['online', [{ fresh: false }, { fresh: true }]]);
});

test('A fresh token that is revoked at once is not fetched again and again.', async () => {
  const world = new World();
  await world.online();
  world.socket.drop(4103);
  await world.greet();
  await world.clock.advance(9_999);
  world.socket.drop(4103);
  assert.equal(world.chat.state, 'failed');
});

test('Whose token twice came too late for the server waits: a slow network refuses nobody.', async () => {
  const world = new World();
  await world.online();
  world.socket.drop(4100, 'auth_timeout');
  await world.greet();
  world.socket.drop(4100, 'auth_timeout');
  assert.deepEqual(world.states.at(-1),
    { state: 'waiting', code: 4100, reason: 'auth_timeout', retry_ms: 500 });
  await world.clock.advance(500);
  await world.greet();
  assert.deepEqual([world.chat.state, world.asked.map(({ fresh }) => fresh)],
    ['online', [false, true, true]]);
});

test('After ten good seconds another refused token is replaced again.', async () => {
  const world = new World();
  await world.online();
  for (let night = 0; night < 3; night += 1) {
    await world.clock.advance(10_000);
    world.socket.drop(4102);
    await world.greet();
  }
  assert.deepEqual(world.asked.map(({ fresh }) => fresh), [false, true, true, true]);
  assert.equal(world.chat.state, 'online');
});

test('After ten good seconds that a goaway ended, another refused token is replaced again.', async () => {
  const world = new World();
  await world.online();
  world.socket.drop(4102);
  await world.greet();
  await world.clock.advance(10_000);
  world.socket.say({ type: 'goaway', reason: 'restart', retry_ms: 100, deadline_ms: 10_000 });
  await world.clock.advance(100);
  await world.greet();
  world.socket.drop(4103);
  await world.greet();
  assert.deepEqual(world.asked.map(({ fresh }) => fresh), [false, true, false, true]);
  assert.equal(world.chat.state, 'online');
});

test('A fresh token stays wanted through connections that merely break.', async () => {
  const world = new World();
  await world.online();
  world.socket.drop(4101);
  await settle();
  world.socket.drop(1006);
  await world.clock.advance(30_000);
  assert.deepEqual(world.asked.at(-1), { fresh: true });
});

test('After failed, connect starts over with what getToken has.', async () => {
  const world = new World();
  await world.online();
  world.socket.drop(4101);
  await world.greet();
  world.socket.drop(4101);
  await world.online();
  assert.deepEqual([world.chat.state, world.asked.at(-1)], ['online', { fresh: false }]);
});

for (const [how, token] of Object.entries({
  rejects: () => Promise.reject(new Error('app is down')),
  throws: () => { throw new Error('app is down'); },
  'returns nothing': () => undefined,
})) {
  test(`If getToken ${how}, that is an error event and another try later.`, async () => {
    const world = new World();
    world.token = token;
    world.chat.connect();
    await settle();
    assert.equal(world.errors[0].code, 'token_unavailable');
    assert.ok(world.errors[0].cause instanceof Error);
    assert.equal(world.states.at(-1).reason, 'token_unavailable');
    world.token = () => 'back';
    await world.clock.advance(250);
    await world.greet();
    assert.equal(world.chat.state, 'online');
  });
}

test('The page of an app that is down is no token: it is not sent, and the chat does not fail of it.', async () => {
  const world = new World();
  world.token = () => '<h1>502 Bad Gateway</h1>';
  world.chat.connect();
  await world.clock.advance(250);
  assert.deepEqual(world.errors.map(({ code }) => code), ['token_unavailable', 'token_unavailable']);
  assert.equal(world.sockets.length, 0);
  world.token = () => 'a-Token_1.~+/=';
  await world.clock.advance(500);
  await world.greet();
  assert.deepEqual(world.socket.sent('auth').map(({ token }) => token), ['a-Token_1.~+/=']);
  assert.deepEqual(world.states.map(({ state }) => state),
    ['connecting', 'waiting', 'connecting', 'waiting', 'connecting', 'online']);
});

test('A refresh that brings such a page is tried again, and the connection stays.', async () => {
  const world = new World();
  const socket = await world.online();
  world.token = () => '<h1>502 Bad Gateway</h1>';
  socket.say({ type: 'notice', code: 'token_expiring' });
  await world.clock.advance(250);
  world.token = () => 'the-second';
  await world.clock.advance(500);
  assert.deepEqual(socket.sent('auth').map(({ token }) => token), ['the-token', 'the-second']);
  assert.equal(world.chat.state, 'online');
});

test('token_expiring brings a fresh token over the open socket.', async () => {
  const world = new World();
  const socket = await world.online();
  world.token = () => 'the-second';
  socket.say({ type: 'notice', code: 'token_expiring' });
  await settle();
  const auth = socket.sent('auth')[1];
  assert.deepEqual([auth.token, auth.batch], ['the-second', true]);
  socket.say({ type: 'ack', id: auth.id, exp: 1 });
  await world.clock.advance(31_000);
  assert.deepEqual([world.asked[1], world.sockets.length], [{ fresh: true }, 1]);
  assert.deepEqual([world.notices, world.errors], [['token_expiring'], []]);
});

test('A refresh that fails is tried again while the connection lasts.', async () => {
  const world = new World();
  const socket = await world.online();
  world.token = () => Promise.reject(new Error('app is down'));
  socket.say({ type: 'notice', code: 'token_expiring' });
  await world.clock.advance(250);
  world.token = () => 'the-second';
  await world.clock.advance(500);
  assert.deepEqual(socket.sent('auth').map(({ token }) => token), ['the-token', 'the-second']);
});

test('A refresh that the server refuses is an error event.', async () => {
  const world = new World();
  const socket = await world.online();
  socket.say({ type: 'notice', code: 'token_expiring' });
  await settle();
  socket.say({ type: 'error', id: socket.sent('auth')[1].id, code: 'user_mismatch' });
  assert.equal(world.errors[0].code, 'user_mismatch');
});

/** Returns the socket of a refresh that the server wants to see again after five seconds. */
async function toBeRepeated(world) {
  const socket = await world.online();
  world.token = () => 'the-second';
  socket.say({ type: 'notice', code: 'token_expiring' });
  await settle();
  const { id } = socket.sent('auth')[1];
  socket.say({ type: 'error', id, code: 'unavailable', retry_ms: 5_000 });
  return socket;
}

test('A refresh that the server can not look at now is repeated when it says so.', async () => {
  const world = new World();
  const socket = await toBeRepeated(world);
  await world.clock.advance(4_900);
  assert.equal(socket.sent('auth').length, 2);
  await world.clock.advance(200);
  assert.deepEqual(socket.sent('auth').map(({ token }) => token).slice(2), ['the-second']);
});

for (const [state, readyState] of [['closing', 2], ['closed', 3]]) {
  test(`A refresh that is to be repeated is not sent on a socket that is ${state} meanwhile.`, async () => {
    const world = new World();
    const socket = await toBeRepeated(world);
    socket.readyState = readyState; // its close is told later
    await world.clock.advance(5_100);
    assert.deepEqual(socket.sent('auth').map(({ token }) => token), ['the-token', 'the-second']);
  });
}

test('A refresh that is to be repeated is not repeated on the next socket, whose token is new.', async () => {
  const world = new World();
  const socket = await toBeRepeated(world);
  socket.drop(4300);
  await world.greet();
  await world.clock.advance(5_100);
  assert.deepEqual(world.sockets.map((each) => each.sent('auth').length), [2, 1]);
  assert.equal(world.asked.length, 3);
});

test('A refresh of an old connection is not sent on the new one.', async () => {
  const world = new World();
  const socket = await world.online();
  let give;
  world.token = () => new Promise((resolve) => { give = resolve; });
  socket.say({ type: 'notice', code: 'token_expiring' });
  await settle();
  world.token = () => 'the-third';
  socket.drop(4300);
  await world.greet();
  give('the-second');
  await settle();
  assert.deepEqual(world.socket.sent('auth').map(({ token }) => token), ['the-third']);
});

test('No token reaches the console, an event, or what inspecting the chat shows.', async (t) => {
  const written = [];
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir']) {
    t.mock.method(console, method, (...args) => written.push(args));
  }
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    t.mock.method(stream, 'write', (...args) => written.push(args[0]) && write(...args));
  }
  const world = new World();
  const seen = [world.states, world.errors, world.notices];
  world.token = ({ fresh }) => (fresh ? 'canary-fresh' : 'canary-first');
  world.chat.on('frame', (tapped) => seen.push({ ...tapped }));
  const { room } = await world.general();
  world.socket.say({ type: 'notice', code: 'token_expiring' });
  await settle();
  world.socket.say({ type: 'error', code: 'token_invalid' }, { type: 'ping' });
  world.socket.drop(4101);
  await world.greet();
  world.socket.drop(4101);
  const shown = inspect([written, seen, world.chat, room], { depth: 20, showHidden: true });
  assert.ok(JSON.stringify(world.sockets.map(({ messages }) => messages)).includes('canary-first'));
  assert.equal(seen.filter(({ frame }) => frame?.type === 'auth').length, 3);
  assert.ok(!shown.includes('canary'), 'a token was shown');
});

test('The tap shows each frame of both directions, with its size and the time.', async () => {
  const world = new World();
  const tapped = [];
  world.chat.on('frame', (event) => tapped.push(event));
  const { room } = await world.general();
  room.typing();
  assert.deepEqual(tapped.map(({ direction, frame }) => `${direction} ${frame.type}`), [
    'out auth', 'out join', 'in hello', 'in welcome', 'in joined', 'out typing',
  ]);
  assert.equal(tapped[5].bytes, '{"type":"typing","room":"general","on":true}'.length);
  assert.equal(tapped[5].at, world.clock.now());
});
