/** Gaps, resets, and joins that are refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { World, joins, message, messages } from './world.mjs';

test('A gap leads to exactly one resync, and what came meanwhile is not lost or doubled.', async () => {
  const world = new World();
  const { seqs } = await world.general({ events: messages(1, 3) });
  world.socket.say(message(5), message(6), message(7));
  assert.deepEqual(joins(world.socket).slice(1), [{ since: 3, epoch: 'e1', history: undefined }]);
  world.admit({ events: messages(4, 7) });
  world.socket.say(message(8));
  assert.deepEqual(seqs(), [1, 2, 3, 4, 5, 6, 7, 8]);
  world.socket.say(message(10));
  assert.equal(joins(world.socket).length, 3, 'another gap is another resync');
});

test('A gap that the log itself has is said as a reset, not asked about for ever.', async () => {
  const world = new World();
  const { seqs, of } = await world.general({ events: messages(1, 3) });
  world.socket.say(message(5));
  world.admit({ events: [], head: 3 });
  world.socket.say(message(6));
  assert.deepEqual(of('reset'), [{ reason: 'gap' }]);
  assert.equal(joins(world.socket).at(-1).since, undefined);
  world.admit({ events: messages(5, 6) });
  assert.deepEqual(seqs(), [1, 2, 3, 5, 6]);
  assert.equal(of('joined').at(-1).reset, 'gap');
});

for (const reason of ['trimmed', 'too_far', 'epoch', 'ahead']) {
  test(`A reset "${reason}" is handed on, and the room begins anew with what the server shows.`, async () => {
    const world = new World();
    const { told, room } = await world.general({ events: messages(1, 3) });
    world.socket.drop(4300);
    await world.greet();
    world.admit({ epoch: 'e2', reset: reason, events: messages(2, 3) });
    assert.deepEqual(told.slice(4).map(([event, { reason: why, seq }]) => [event, why ?? seq]),
      [['reset', reason], ['message', 2], ['message', 3], ['joined', 3]]);
    assert.deepEqual([room.seq, room.epoch], [3, 'e2']);
    world.socket.say(message(4));
    assert.equal(room.seq, 4);
  });
}

test('A reset that the server begins by itself is taken like any other.', async () => {
  const world = new World();
  const { of, room } = await world.general({ events: messages(1, 9) });
  world.socket.say({ type: 'joined', room: 'general', epoch: 'e2', tail: 1, head: 1, perm: 'rw',
    reset: 'epoch', events: [message(1)] });
  assert.deepEqual([of('reset'), room.seq, room.epoch], [[{ reason: 'epoch' }], 1, 'e2']);
  world.socket.drop(4300);
  await world.greet();
  world.admit({ epoch: 'e2' });
  assert.deepEqual(of('joined').map(({ reset }) => reset), [undefined, 'epoch', undefined]);
});

test('Another epoch is a reset even if nobody calls it one.', async () => {
  const world = new World();
  const { of } = await world.general({ events: messages(1, 3) });
  world.socket.drop(4300);
  await world.greet();
  world.admit({ epoch: 'e2', events: messages(4, 5) });
  assert.deepEqual(of('reset'), [{ reason: 'epoch' }]);
});

test('A refused join is an error of the room; one with retry_ms is repeated then.', async () => {
  const world = new World();
  world.chat.join('general');
  const socket = await world.online();
  const refuse = (refusal) => socket.say(
    { type: 'error', id: socket.sent('join').at(-1).id, room: 'general', ...refusal });
  refuse({ code: 'unavailable', retry_ms: 700 });
  await world.clock.advance(699);
  assert.equal(socket.sent('join').length, 1);
  await world.clock.advance(1);
  assert.equal(socket.sent('join').length, 2);
  refuse({ code: 'forbidden', detail: 'no such room, or not yours' });
  await world.clock.advance(29_000);
  assert.equal(socket.sent('join').length, 2);
  assert.deepEqual(world.errors.map(({ code, room }) => [code, room]), [['forbidden', 'general']]);
});

test('A room that is left while its join waits to be repeated is not joined.', async () => {
  const world = new World();
  const room = world.chat.join('general');
  const socket = await world.online();
  socket.say({ type: 'error', id: socket.sent('join')[0].id, code: 'unavailable', retry_ms: 700 });
  room.leave();
  await world.clock.advance(1000);
  assert.equal(socket.sent('join').length, 1);
});

test('A join that fails after its first page, or that the server began, is repeated in its time.', async () => {
  const world = new World();
  const { seqs, of } = await world.general({ events: messages(1, 2), head: 6, more: true });
  world.socket.say({ type: 'error', room: 'general', code: 'unavailable', retry_ms: 700,
    id: world.socket.sent('join')[0].id });
  await world.clock.advance(700);
  assert.deepEqual(joins(world.socket)[1].since, 2);
  world.admit({ events: messages(3, 6) });
  world.socket.say({ type: 'error', room: 'general', code: 'unavailable', retry_ms: 700 });
  await world.clock.advance(700);
  world.admit({ events: messages(7, 8) });
  assert.deepEqual([seqs(), of('joined').length, world.errors], [[1, 2, 3, 4, 5, 6, 7, 8], 2, []]);
});

test('An error about no room of this chat is an error of the chat.', async () => {
  const world = new World();
  const socket = await world.online();
  socket.say({ type: 'error', code: 'rate_limited', detail: '120 per 60 s', retry_ms: 100 });
  assert.deepEqual(world.errors.map(({ message: text }) => text), ['rate_limited: 120 per 60 s']);
});
