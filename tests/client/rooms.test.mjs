/** A room: its place in the log, gaps, resets, who is there and who types. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { World, message, messages } from './world.mjs';

const joins = (socket) => socket.sent('join').map(({ since, epoch, history }) => ({ since, epoch, history }));

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

test('Pages that follow a catch-up extend it, and joined is not said again.', async () => {
  const world = new World();
  const { seqs, of } = await world.general({ events: messages(1, 2) });
  world.socket.say({ type: 'events', room: 'general', events: messages(3, 4), more: true });
  world.socket.say({ type: 'events', room: 'general', events: messages(5, 6) });
  assert.deepEqual([seqs(), of('joined').length], [[1, 2, 3, 4, 5, 6], 1]);
});

test('An error about no room of this chat is an error of the chat.', async () => {
  const world = new World();
  const socket = await world.online();
  socket.say({ type: 'error', code: 'rate_limited', detail: '120 per 60 s', retry_ms: 100 });
  assert.deepEqual(world.errors.map(({ message: text }) => text), ['rate_limited: 120 per 60 s']);
});

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
