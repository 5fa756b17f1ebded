/** The life of a connection: its states, the verdicts of close codes, its one socket at a time. */
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

for (const code of [4000, 4001, 4003, 4004, 4005, 4042, 4099]) {
  test(`Close code ${code} ends in failed, and the client stays away.`, async () => {
    const world = new World();
    await world.online();
    world.socket.drop(code, 'kicked');
    await world.clock.advance(3_600_000);
    assert.deepEqual(world.states.at(-1), { state: 'failed', code, reason: 'kicked' });
    assert.equal(world.sockets.length, 1);
  });
}

for (const code of [4300, 4301, 4302, 4377]) {
  test(`Close code ${code} reconnects at once, without a wait.`, async () => {
    const world = new World();
    await world.online();
    world.socket.drop(code, 'slow_consumer');
    await world.greet();
    assert.deepEqual(names(world), ['connecting', 'online', 'connecting', 'online']);
  });
}

test('A server that keeps closing with 43xx is backed off from.', async () => {
  const world = new World();
  await world.online();
  world.socket.drop(4301);
  await world.greet();
  world.socket.drop(4301);
  assert.deepEqual(world.states.at(-1), { state: 'waiting', code: 4301, reason: '', retry_ms: 500 });
  await world.clock.advance(500);
  await world.greet();
  await world.clock.advance(10_000);
  world.socket.drop(4301);
  assert.equal(world.chat.state, 'connecting', 'ten good seconds end the series');
});

for (const code of [1000, 1001, 1003, 1006, 1007, 1009, 1011, 1013, 4200, 4201, 4203, 4500]) {
  test(`Close code ${code} backs off, and waits longer if told to.`, async () => {
    const world = new World();
    await world.online();
    world.socket.drop(code);
    assert.equal(world.states.at(-1).retry_ms, 250);
    await world.clock.advance(250);
    await world.greet();
    await world.clock.advance(10_000);
    world.socket.drop(code, 'overloaded retry=4000');
    assert.equal(world.states.at(-1).retry_ms, 4250);
    await world.clock.advance(4249);
    assert.equal(world.sockets.length, 2);
    await world.clock.advance(1);
    assert.equal(world.sockets.length, 3);
  });
}

test('After 1012 the client waits exactly the time it was told.', async () => {
  const world = new World();
  await world.online();
  world.socket.drop(1012, 'restart retry=1830');
  assert.equal(world.states.at(-1).retry_ms, 1830);
  await world.clock.advance(1829);
  assert.equal(world.sockets.length, 1);
  await world.clock.advance(1);
  assert.equal(world.sockets.length, 2);
});

test('A wait longer than ten minutes is cut to ten minutes.', async () => {
  const world = new World();
  await world.online();
  world.socket.drop(1012, 'restart retry=99999999999');
  await world.clock.advance(600_000);
  assert.equal(world.sockets.length, 2);
});

test('Backoff has full jitter: from 0 to a ceiling that doubles from 0.5 s to 30 s.', async () => {
  for (const [random, share] of [[() => 0, 0], [() => 0.999_999, 0.999_999]]) {
    const world = new World({ random });
    await world.online();
    const ceilings = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000];
    for (const ceiling of ceilings) {
      world.socket.drop();
      assert.equal(world.states.at(-1).retry_ms, ceiling * share);
      await world.clock.advance(ceiling);
    }
  }
});

test('A connection that lived for ten seconds ends a series of failures; a shorter one does not.', async () => {
  const world = new World();
  await world.online();
  const waits = [];
  for (const life of [9_999, 9_999, 10_000]) {
    await world.clock.advance(life);
    world.socket.drop();
    waits.push(world.states.at(-1).retry_ms);
    await world.clock.advance(waits.at(-1));
    await world.greet();
  }
  assert.deepEqual(waits, [250, 500, 250]);
});

test('Goaway keeps the socket in use, and moves over at its own time.', async () => {
  const world = new World();
  const old = await world.online();
  old.say({ type: 'goaway', reason: 'restart', retry_ms: 1830, deadline_ms: 20_000 });
  await world.clock.advance(1829);
  assert.deepEqual([world.chat.state, world.sockets.length], ['online', 1]);
  await world.clock.advance(1);
  assert.equal(old.isClosed, true);
  await world.greet();
  assert.deepEqual(names(world), ['connecting', 'online', 'connecting', 'online']);
  assert.equal(world.states[2].reason, 'restart');
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

test('A connection that is not welcomed within 15 s is given up.', async () => {
  const world = new World();
  world.chat.connect();
  await settle();
  world.socket.onopen();
  await world.clock.advance(14_999);
  assert.equal(world.chat.state, 'connecting');
  await world.clock.advance(1);
  assert.deepEqual(world.states.at(-1),
    { state: 'waiting', code: 1006, reason: 'connect_timeout', retry_ms: 250 });
  assert.equal(world.socket.isClosed, true);
});

test('A frame without an answer in 30 s means that the link is lost.', async () => {
  const world = new World();
  world.chat.join('general');
  await world.online();
  for (let s = 0; s < 29; s += 1) {
    await world.clock.advance(1000);
    world.socket.say({ type: 'pong', ts: 0 });
  }
  assert.equal(world.sockets.length, 1);
  await world.clock.advance(1000);
  assert.deepEqual([world.sockets.length, world.states.at(-1).reason], [2, 'no_answer']);
});

test('A ping of the server is answered with its id, and never mistaken for an answer.', async () => {
  const world = new World();
  world.chat.join('general');
  const socket = await world.online();
  socket.say({ type: 'ping', id: socket.sent('join')[0].id });
  assert.deepEqual(socket.sent('pong'), [{ type: 'pong', id: socket.sent('join')[0].id }]);
  world.admit();
  await world.clock.advance(30_000);
  assert.equal(world.chat.state, 'online');
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

const looks = {
  visibilitychange: (page) => page.show('visible'),
  pageshow: (page) => page.defaultView.dispatchEvent(new Event('pageshow')),
  online: (page) => page.defaultView.dispatchEvent(new Event('online')),
};

for (const [event, look] of Object.entries(looks)) {
  test(`At ${event} a dead link is found within 5 s and replaced at once.`, async () => {
    const world = new World();
    const socket = await world.online();
    look(world.page);
    look(world.page);
    assert.equal(socket.sent('ping').length, 1);
    await world.clock.advance(4_999);
    assert.equal(world.sockets.length, 1);
    await world.clock.advance(1);
    assert.deepEqual([world.sockets.length, world.states.at(-1).state], [2, 'connecting']);
  });

  test(`At ${event} a link that answers stays.`, async () => {
    const world = new World();
    const socket = await world.online();
    look(world.page);
    socket.say({ type: 'pong', ts: 0 });
    await world.clock.advance(10_000);
    assert.deepEqual([world.sockets.length, world.chat.state], [1, 'online']);
  });

  test(`At ${event} a link is asked again, once the last question was answered.`, async () => {
    const world = new World();
    const socket = await world.online();
    for (let n = 1; n <= 3; n += 1) {
      look(world.page);
      assert.equal(socket.sent('ping').length, n);
      socket.say({ type: 'pong', ts: 0 });
      await world.clock.advance(5_000);
    }
    look(world.page);
    socket.drop(4300);
    await world.greet();
    look(world.page);
    assert.equal(world.socket.sent('ping').length, 1);
  });

  test(`At ${event} a wait is cut short, unless the server named it.`, async () => {
    const world = new World();
    await world.online();
    world.socket.drop(1006);
    look(world.page);
    await settle();
    assert.equal(world.sockets.length, 2);
    await world.greet();
    world.socket.drop(4201, 'overloaded retry=9000');
    look(world.page);
    await settle();
    assert.deepEqual([world.sockets.length, world.chat.state], [2, 'waiting']);
    await world.clock.advance(20_000);
    await world.greet();
    world.socket.drop(1006);
    look(world.page);
    await settle();
    assert.equal(world.sockets.length, 4, 'the server has not named this one');
  });
}

test('A page that is hidden asks nothing, and a closed chat no longer watches the page.', async () => {
  const world = new World();
  const socket = await world.online();
  world.page.show('hidden');
  assert.equal(socket.sent('ping').length, 0);
  world.chat.close();
  for (const look of Object.values(looks)) look(world.page);
  await settle();
  assert.deepEqual([world.sockets.length, world.clock.pending], [1, 0]);
});

test('Two ping intervals of silence are reason enough to ask.', async () => {
  const world = new World();
  const socket = await world.online();
  await world.clock.advance(49_999);
  assert.equal(socket.sent('ping').length, 0);
  await world.clock.advance(1);
  assert.equal(socket.sent('ping').length, 1);
  socket.say({ type: 'pong', ts: 0 });
  await world.clock.advance(99_999);
  assert.deepEqual([world.chat.state, socket.sent('ping').length], ['online', 1]);
  await world.clock.advance(1);
  assert.equal(socket.sent('ping').length, 2, 'and so again');
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
