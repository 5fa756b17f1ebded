/** Who is there, and who types. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { World, message } from './world.mjs';

test('Presence is kept: what joined brings, and who comes and goes since.', async () => {
  const world = new World();
  const bo = { id: 'bo', name: 'Bo' };
  const cy = { id: 'cy' };
  const { room, of } = await world.general({ presence: { count: 2, members: [{ id: 'ann' }, bo] } });
  assert.deepEqual(room.presence, { count: 2, members: [{ id: 'ann' }, bo] });
  world.socket.say({ type: 'presence', room: 'general', count: 2, join: [cy], leave: ['bo'] });
  assert.deepEqual(room.presence, { count: 2, members: [{ id: 'ann' }, cy] });
  assert.deepEqual(of('presence').at(-1), { ...room.presence, join: [cy], leave: ['bo'] });
  world.socket.drop(4300);
  await world.greet();
  world.admit({ presence: { count: 1, members: [bo] } });
  assert.deepEqual(room.presence, { count: 1, members: [bo] });
});

test('Presence may be a count alone.', async () => {
  const world = new World();
  const { room } = await world.general({ presence: { count: 4000 } });
  assert.deepEqual(room.presence, { count: 4000, members: [] });
});

test('Typing is sent at once or never, and at most once in 2 s; its end is told at once.', async () => {
  const world = new World();
  const early = world.chat.join('general');
  early.typing();
  const { room } = await world.general();
  assert.equal(world.socket.sent('typing').length, 0, 'what could not be sent was not kept');
  for (let key = 0; key < 9; key += 1) {
    room.typing();
    await world.clock.advance(500);
  }
  assert.equal(world.socket.sent('typing').length, 3);
  room.typing(false);
  room.typing(false);
  assert.deepEqual(world.socket.sent('typing').map(({ on }) => on), [true, true, true, false]);
  const old = world.socket;
  old.drop(4300);
  await world.clock.advance(5_000);
  room.typing();
  await world.greet();
  world.admit();
  assert.deepEqual([old.sent('typing').length, world.socket.sent('typing').length], [4, 0]);
});

test('A message sent is the end of typing, so the next key is told at once.', async () => {
  const world = new World();
  const { room } = await world.general();
  room.typing();
  room.send('done');
  room.typing(false);
  room.typing();
  assert.deepEqual(world.socket.sent('typing').map(({ on }) => on), [true, true]);
});

test('Somebody\'s typing ends by itself after its time, or with their message.', async () => {
  const world = new World();
  const { of } = await world.general();
  const typing = (user) => ({ type: 'typing', room: 'general', user, on: true, ttl_ms: 5000 });
  world.socket.say(typing('ann'));
  assert.deepEqual(of('typing'), [], 'nobody is told of their own typing');
  world.socket.say(typing('bo'));
  await world.clock.advance(3000);
  world.socket.say(typing('bo'));
  await world.clock.advance(4999);
  assert.deepEqual(of('typing').at(-1), { user: 'bo', on: true });
  await world.clock.advance(1);
  assert.deepEqual(of('typing').at(-1), { user: 'bo', on: false });
  world.socket.say(typing('bo'), message(1));
  assert.deepEqual(of('typing').slice(-2).map(({ on }) => on), [true, false]);
  await world.clock.advance(10_000);
  assert.equal(of('typing').length, 5);
  world.socket.say(typing('cy'), { ...typing('cy'), on: false }, message(2, { user: 'cy' }));
  assert.equal(of('typing').length, 7, 'an end is told once');
});
