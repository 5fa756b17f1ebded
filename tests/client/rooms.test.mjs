/** A room and its place in the log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { World, joins, message, messages } from './world.mjs';

test('A room is entered with its history, in order, and then says joined.', async () => {
  const world = new World();
  const { told, room } = await world.general({ events: messages(3, 5), tail: 1 }, { history: 3 });
  assert.deepEqual(told.map(([event, { seq }]) => [event, seq]),
    [['message', 3], ['message', 4], ['message', 5], ['joined', 5]]);
  assert.deepEqual([room.seq, room.epoch, room.perm], [5, 'e1', 'rw']);
  assert.deepEqual(joins(world.socket), [{ since: undefined, epoch: undefined, history: 3 }]);
});

test('A room joined while online is entered at once, and is the same room when joined again.', async () => {
  const world = new World();
  const socket = await world.online();
  const room = world.chat.join('general');
  assert.equal(world.chat.join('general'), room);
  assert.equal(socket.sent('join').length, 1);
});

test('Nothing is counted as unanswered before there is a connection.', async () => {
  const world = new World();
  world.chat.join('general');
  await world.clock.advance(60_000);
  assert.deepEqual([world.chat.state, world.sockets.length], ['idle', 0]);
});

test('After history 0 the room stands at the head, and live events follow.', async () => {
  const world = new World();
  const { room, seqs } = await world.general({ head: 41 }, { history: 0 });
  assert.equal(room.seq, 41);
  world.socket.say(message(42), message(43));
  assert.deepEqual(seqs(), [42, 43]);
});

test('An event that was seen already is dropped.', async () => {
  const world = new World();
  const { seqs } = await world.general({ events: messages(1, 3) });
  world.socket.say(message(3), message(2), message(4), message(4));
  assert.deepEqual([seqs(), joins(world.socket).length], [[1, 2, 3, 4], 1]);
});

test('After a reconnect the room goes on from its place, and shows only what was missed.', async () => {
  const world = new World();
  const { seqs, of } = await world.general({ events: messages(1, 3) });
  world.socket.say(message(4));
  world.socket.drop(4300);
  await world.greet();
  assert.deepEqual(joins(world.socket), [{ since: 4, epoch: 'e1', history: undefined }]);
  world.admit({ events: messages(4, 7) });
  assert.deepEqual(seqs(), [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(of('joined').length, 2);
});

test('A catch-up of several pages is handed on whole before joined is said.', async () => {
  const world = new World();
  const { seqs, of } = await world.general({ events: messages(1, 2), head: 6, more: true });
  world.socket.say({ type: 'events', room: 'general', events: messages(3, 4), more: true });
  assert.equal(of('joined').length, 0);
  world.socket.say({ type: 'events', room: 'general', events: messages(5, 6) });
  assert.deepEqual([seqs(), of('joined').length], [[1, 2, 3, 4, 5, 6], 1]);
});

test('A connection that breaks between two pages goes on from the last page.', async () => {
  const world = new World();
  const { seqs } = await world.general({ events: messages(1, 2), head: 6, more: true });
  world.socket.drop(4300);
  await world.greet();
  assert.deepEqual(joins(world.socket)[0].since, 2);
  world.admit({ events: messages(3, 6) });
  assert.deepEqual(seqs(), [1, 2, 3, 4, 5, 6]);
});

test('An app that kept a copy goes on from the place it names.', async () => {
  const world = new World();
  const { seqs, of } = await world.general({ events: messages(8, 9) }, { since: 7, epoch: 'e1' });
  assert.deepEqual(joins(world.socket), [{ since: 7, epoch: 'e1', history: undefined }]);
  assert.deepEqual([seqs(), of('reset')], [[8, 9], []]);
});

test('Durable events of other types advance the place and are handed on as they are.', async () => {
  const world = new World();
  const { of, seqs, room } = await world.general({ events: messages(1, 2) });
  const edited = message(3, { type: 'edited', ref: 1, text: 'better' });
  world.socket.say(edited, message(4));
  assert.deepEqual([of('event'), seqs(), room.seq], [[edited], [1, 2, 4], 4]);
});

test('Events of a room that is still being joined wait for the join.', async () => {
  const world = new World();
  const room = world.chat.join('general');
  const socket = await world.online();
  socket.say(message(7));
  assert.equal(room.seq, undefined);
  assert.equal(socket.sent('join').length, 1);
});

test('A cid is shown on messages of this user only.', async () => {
  const world = new World();
  const { of } = await world.general();
  world.socket.say(message(1, { user: 'bo', cid: 'x-1' }), message(2, { user: 'ann', cid: 'x-1' }));
  assert.deepEqual(of('message').map(({ cid }) => cid), [undefined, 'x-1']);
});

test('Pages that follow a catch-up extend it, and joined is not said again.', async () => {
  const world = new World();
  const { seqs, of } = await world.general({ events: messages(1, 2) });
  world.socket.say({ type: 'events', room: 'general', events: messages(3, 4), more: true });
  world.socket.say({ type: 'events', room: 'general', events: messages(5, 6) });
  assert.deepEqual([seqs(), of('joined').length], [[1, 2, 3, 4, 5, 6], 1]);
});
