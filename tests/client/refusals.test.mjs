/** Messages that the server or the client refuses, for now or for good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ack, published, reconnect, refuse, states } from './publishing.mjs';
import { World, message } from './world.mjs';

for (const code of ['rate_limited', 'unavailable', 'internal']) {
  test(`"${code}" with retry_ms is waited out and repeated, and nothing overtakes.`, async () => {
    const world = new World();
    const { room, of } = await world.general();
    room.send('a');
    room.send('b');
    refuse(world, code, { retry_ms: 640, detail: 'later' });
    await world.clock.advance(639);
    assert.deepEqual(published(world), ['a']);
    await world.clock.advance(1);
    const [first, second] = world.socket.sent('publish');
    assert.deepEqual([second.text, second.cid], ['a', first.cid]);
    ack(world, 1);
    assert.deepEqual(published(world), ['a', 'a', 'b']);
    assert.deepEqual(states(of), ['a queued', 'b queued', 'a held', 'a acked']);
    assert.equal(of('sending')[2].error.code, code);
  });
}

test('The time to wait outlives a reconnect.', async () => {
  const world = new World();
  const { room } = await world.general();
  room.send('a');
  refuse(world, 'rate_limited', { retry_ms: 5000 });
  await world.clock.advance(1000);
  await reconnect(world);
  await world.clock.advance(3999);
  assert.deepEqual(published(world), []);
  await world.clock.advance(1);
  assert.deepEqual(published(world), ['a']);
});

test('A clock that is set back an hour holds up no message that waits to be repeated.', async () => {
  const world = new World();
  const { room } = await world.general();
  const { clock } = world;
  room.send('a');
  refuse(world, 'rate_limited', { retry_ms: 640 });
  const now = clock.now.bind(clock);
  clock.now = () => now() - 3_600_000;
  await clock.advance(640);
  assert.deepEqual(published(world), ['a', 'a']);
});

test('A message whose event comes while it waits is not repeated.', async () => {
  const world = new World();
  const { room } = await world.general();
  const receipt = room.send('a');
  room.send('b');
  const [{ cid }] = world.socket.sent('publish');
  refuse(world, 'unavailable', { retry_ms: 1000 });
  world.socket.say(message(1, { user: 'ann', cid }));
  await world.clock.advance(5000);
  assert.equal((await receipt).seq, 1);
  assert.deepEqual(published(world), ['a', 'b']);
});

for (const code of ['forbidden', 'conflict', 'too_large', 'bad_request', 'internal']) {
  test(`"${code}" without retry_ms rejects the promise, and the next message goes.`, async () => {
    const world = new World();
    const { room, of } = await world.general();
    const receipt = room.send('a');
    room.send('b');
    refuse(world, code, { field: 'text' });
    await assert.rejects(receipt, { name: 'ChatError', code, field: 'text', room: 'general' });
    assert.deepEqual(published(world), ['a', 'b']);
    assert.deepEqual(states(of), ['a queued', 'b queued', 'a refused']);
  });
}

test('The outbox of a room has a bound, and says when it is full.', async () => {
  const world = new World();
  const room = world.chat.join('general');
  for (let n = 0; n < 100; n += 1) room.send(`${n}`);
  await assert.rejects(room.send('one more'), { code: 'outbox_full' });
});

test('A message over the limit of a frame is refused here: the server would end the connection.', async () => {
  const world = new World();
  const { room } = await world.general();
  const big = room.send('ä'.repeat(8200));
  const fine = room.send('ä'.repeat(8000));
  await assert.rejects(big, { code: 'too_large' });
  assert.equal(published(world).length, 1);
  ack(world, 1);
  assert.equal((await fine).seq, 1);
});

test('Content that is no JSON rejects the promise and blocks nothing.', async () => {
  const world = new World();
  const { room } = await world.general();
  const circle = {};
  circle.self = circle;
  await assert.rejects(room.send({ data: circle }), TypeError);
  room.send('fine');
  assert.deepEqual(published(world), ['fine']);
});

test('Half a surrogate pair is sent as U+FFFD: no server reads its escape, nor could answer it.', async () => {
  const world = new World();
  const { room } = await world.general();
  const sent = [];
  world.socket.send = (message) => sent.push(message);
  room.send({ text: 'good morning 😀'.slice(0, -1), data: { 'a\udc00': '\\ud83d 😀\n' } });
  world.chat.join('caf\ud83d');
  assert.deepEqual(sent.filter((message) => /\\ud(?!83d 😀)/.test(message)), []);
  const [{ text, data }, { room: name }] = sent.map((message) => JSON.parse(message));
  assert.equal(text, 'good morning \ufffd');
  assert.deepEqual([data, name], [{ 'a\ufffd': '\\ud83d 😀\n' }, 'caf\ufffd']);
});

test('Close rejects what is not acked, and what is sent afterwards; nothing of it is sent later.', async () => {
  const world = new World();
  const { room } = await world.general();
  const waiting = [room.send('a'), room.send('b')];
  world.chat.close();
  for (const receipt of [...waiting, room.send('c')]) {
    await assert.rejects(receipt, { code: 'closed' });
  }
  await world.online();
  world.admit();
  assert.deepEqual(published(world), []);
});

test('A verdict to stay away rejects what is not acked.', async () => {
  const world = new World();
  const { room } = await world.general();
  const receipt = room.send('a');
  world.socket.drop(4004, 'kicked');
  await assert.rejects(receipt, { code: 'failed' });
});

test('Past the dedup window, after a hole in the history, a repeat could double: it is refused as unknown.', async () => {
  const world = new World();
  const { room } = await world.general({ events: [message(1)] });
  const sent = room.send('a');
  const unsent = room.send('b');
  await world.away(570_001);
  await world.greet();
  world.admit({ reset: 'trimmed', events: [message(900)] });
  await assert.rejects(sent, { code: 'outcome_unknown' });
  assert.deepEqual(published(world), ['b']);
  ack(world, 901);
  assert.equal((await unsent).seq, 901);
});

test('Past the dedup window, with a history without a hole, the message is surely missing, and sent.', async () => {
  const world = new World();
  const { room } = await world.general({ events: [message(1)] });
  room.send('a');
  await world.away(3_600_000);
  await world.greet();
  world.admit({ events: [message(2)] });
  assert.deepEqual(published(world), ['a']);
});

test('Past the dedup window, without a look into the room, the outcome is unknown too.', async () => {
  const world = new World();
  const { room } = await world.general();
  const receipt = room.send('a');
  await world.away(570_001);
  await world.greet();
  const { id } = world.socket.sent('join')[0];
  world.socket.say({ type: 'error', id, code: 'forbidden', room: 'general' });
  await assert.rejects(receipt, { code: 'outcome_unknown' });
});

const rejoin = (options) => (world, room) => {
  room.leave();
  world.chat.join('general', options);
};
const holes = {
  'A reset': { reset: 'too_far' },
  'Leaving and joining anew': { make: rejoin() },
  'Going on from a place that the app names': { make: rejoin({ since: 1999, epoch: 'e1' }) },
};

for (const [hole, { make = () => {}, reset }] of Object.entries(holes)) {
  test(`${hole} may hide a message for good: later histories without a hole do not tell of it.`, async () => {
    const world = new World();
    const { room } = await world.general({ events: [message(1)] });
    const receipt = assert.rejects(room.send('a'), { code: 'outcome_unknown' });
    make(world, room);
    await world.away(300_000);
    await world.greet();
    world.admit({ reset, events: [message(2000)] });
    assert.deepEqual(published(world), ['a'], 'in time it is repeated');
    await world.away(1_000_000);
    await world.greet();
    world.admit({ events: [message(2001)] });
    assert.deepEqual(published(world), []);
    await receipt;
  });
}

test('A message sent where nothing could be read may be in the history that is never read.', async () => {
  const world = new World();
  const room = world.chat.join('general');
  const socket = await world.online();
  socket.say({ type: 'error', id: socket.sent('join')[0].id, code: 'forbidden', room: 'general' });
  const receipt = assert.rejects(room.send('a'), { code: 'outcome_unknown' });
  for (const [ms, seq] of [[300_000, 2000], [1_000_000, 2001]]) {
    await world.away(ms);
    await world.greet();
    world.admit({ events: [message(seq)] });
  }
  assert.deepEqual(published(world), []);
  await receipt;
});

test('A message that is refused by its rate after a hole is surely missing, and sent however late.', async () => {
  const world = new World();
  const { room } = await world.general({ events: [message(1)] });
  room.send('a');
  await reconnect(world, { reset: 'too_far', events: [message(2000)] });
  refuse(world, 'rate_limited', { retry_ms: 1000 });
  await world.away(1_000_000);
  await world.greet();
  world.admit({ events: [message(2001)] });
  assert.deepEqual(published(world), ['a']);
});

test('A message that only ever was rate limited is never of unknown outcome.', async () => {
  const world = new World();
  const { room } = await world.general({ events: [message(1)] });
  room.send('a');
  refuse(world, 'rate_limited', { retry_ms: 1000 });
  await world.away(3_600_000);
  await world.greet();
  world.admit({ reset: 'trimmed', events: [message(900)] });
  assert.deepEqual(published(world), ['a']);
});

test('Messages of one user are never sent in the name of the next.', async () => {
  const world = new World();
  const { room } = await world.general();
  const receipt = room.send('a');
  world.socket.drop(4300);
  await world.greet({ user: { id: 'bo' } });
  await assert.rejects(receipt, { code: 'user_mismatch' });
  world.admit();
  assert.deepEqual(published(world), []);
});
