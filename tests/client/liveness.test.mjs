/** A link that is dead, and one that is merely quiet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { World, settle } from './world.mjs';

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
