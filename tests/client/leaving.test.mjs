/** Leaving a room: it is silent from then on, and what was sent before still goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ack, published } from './publishing.mjs';
import { World, message, messages } from './world.mjs';

test('A room that was left is silent and not joined again; joining it anew is a new room.', async () => {
  const world = new World();
  const { room, told } = await world.general();
  const before = told.length;
  room.leave();
  room.leave();
  const [{ id }] = world.socket.sent('leave');
  assert.equal(world.socket.sent('leave').length, 1);
  const again = world.chat.join('general');
  assert.notEqual(again, room);
  world.socket.say({ type: 'left', id, room: 'general', reason: 'asked' });
  world.admit({ events: messages(1, 2) });
  assert.deepEqual([again.seq, told.length], [2, before]);
  again.leave();
  world.socket.drop(4300);
  await world.greet();
  assert.equal(world.socket.sent('join').length, 0);
});

test('A page of the stay before brings a room that was joined anew neither up to date nor forward.', async () => {
  const world = new World();
  const { room } = await world.general({ events: messages(1, 2), head: 6, more: true });
  room.leave();
  const again = world.chat.join('general', { since: 0, epoch: 'e1' });
  const seen = [];
  again.on('message', ({ seq }) => seen.push(seq));
  again.on('joined', () => seen.push('joined'));
  again.send('a');
  world.socket.say({ type: 'events', room: 'general', events: messages(3, 6) });
  assert.deepEqual([seen, published(world)], [[], []]);
  world.admit({ events: messages(1, 6) });
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 'joined']);
  assert.deepEqual(published(world), ['a']);
});

test('A listener that leaves the room ends the history that it was called from.', async () => {
  const world = new World();
  const room = world.chat.join('general');
  const seen = [];
  room.on('message', ({ seq }) => {
    seen.push(seq);
    room.leave();
  });
  await world.online();
  world.admit({ events: messages(1, 3) });
  assert.deepEqual(seen, [1]);
});

test('A leave that is refused for now is repeated in its time, unless the room was joined anew.', async () => {
  const world = new World();
  const { room } = await world.general();
  const refuse = () => world.socket.say({ type: 'error', id: world.socket.sent('leave').at(-1).id,
    code: 'rate_limited', room: 'general', retry_ms: 700 });
  room.leave();
  refuse();
  await world.clock.advance(699);
  assert.equal(world.socket.sent('leave').length, 1);
  await world.clock.advance(1);
  assert.equal(world.socket.sent('leave').length, 2);
  refuse();
  world.chat.join('general');
  await world.clock.advance(700);
  assert.equal(world.socket.sent('leave').length, 2);
  assert.deepEqual(world.errors, []);
});

test('Typing in a room that was left is told to nobody, and no mistake.', async () => {
  const world = new World();
  const { room } = await world.general();
  room.leave();
  room.typing();
  assert.deepEqual(world.socket.sent('typing'), []);
  world.socket.drop(1006);
  assert.doesNotThrow(() => room.typing());
});

test('A room that the server takes away says left, and is not joined again.', async () => {
  const world = new World();
  const { room, of } = await world.general();
  world.socket.say({ type: 'left', room: 'general', reason: 'forbidden' });
  assert.deepEqual(of('left'), [{ reason: 'forbidden' }]);
  await assert.rejects(room.send('too late'), { code: 'left' });
  world.socket.drop(4300);
  await world.greet();
  assert.equal(world.socket.sent('join').length, 0);
});

test('What was sent before leave is still delivered, even over a reconnect.', async () => {
  const world = new World();
  const { room } = await world.general();
  const receipts = [room.send('a'), room.send('b')];
  room.leave();
  ack(world, 1);
  world.socket.drop(4300);
  await world.greet();
  assert.deepEqual(published(world), ['b']);
  ack(world, 2);
  assert.deepEqual((await Promise.all(receipts)).map(({ seq }) => seq), [1, 2]);
});

test('A room that was left is let go with its last message, not only by the next connection.', async () => {
  const world = new World();
  const { room } = await world.general();
  room.send('a');
  room.send('b');
  room.leave();
  ack(world, 1);
  ack(world, 2);
  const outboxes = [room, world.chat.join('general')].map(({ outbox }) => outbox);
  assert.notEqual(...outboxes);
});

test('A room that is left before it was entered sends, and tells nothing any more.', async () => {
  const world = new World();
  await world.online();
  const room = world.chat.join('general');
  const receipt = room.send('a');
  room.on('message', () => assert.fail('a message of a room that was left'));
  room.leave();
  assert.deepEqual(published(world), ['a']);
  world.admit({ events: [message(1)] });
  world.socket.say(message(2));
  ack(world, 3);
  assert.equal((await receipt).seq, 3);
  assert.equal(room.seq, undefined);
});

test('A room joined again sends what is left of its first stay before its own.', async () => {
  const world = new World();
  const { room } = await world.general();
  room.send('a');
  room.leave();
  const again = world.chat.join('general');
  again.send('b');
  assert.deepEqual(published(world), ['a']);
  ack(world, 1);
  assert.deepEqual(published(world), ['a', 'b']);
});
