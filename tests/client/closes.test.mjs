/** What each close code leads to, and how long the client waits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { World } from './world.mjs';

const names = (world) => world.states.map(({ state }) => state);

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
