/** Sending: once, in order, over reconnects, with every state said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ack, published, reconnect, states } from './publishing.mjs';
import { World, message, messages, settle } from './world.mjs';

test('A message is sent with a cid, and its promise is the place it has in the log.', async () => {
  const world = new World();
  const { room, of } = await world.general();
  const receipt = room.send('hello');
  const { id, cid, ...frame } = world.socket.sent('publish')[0];
  assert.deepEqual(frame, { type: 'publish', room: 'general', text: 'hello' });
  assert.match(cid, /^[A-Za-z0-9_-]{1,64}$/);
  ack(world, 1);
  assert.deepEqual(await receipt, { seq: 1, ts: 10 });
  assert.deepEqual(of('sending'), [
    { cid, state: 'queued', text: 'hello' },
    { cid, state: 'acked', text: 'hello', seq: 1, ts: 10 },
  ]);
});

test('All fields of a draft are sent, as they were when it was handed over.', async () => {
  const world = new World();
  const { room } = await world.general();
  const data = { mood: 'good' };
  room.send('first');
  room.send({ text: 'second', data, reply_to: 3, mentions: ['bo'], cid: 'mine', user: 'eve', seq: 9 });
  data.mood = 'changed';
  ack(world, 1);
  const { id, ...frame } = world.socket.sent('publish')[1];
  assert.deepEqual(frame, { type: 'publish', room: 'general', cid: 'mine', text: 'second',
    data: { mood: 'good' }, reply_to: 3, mentions: ['bo'] });
});

test('Cids of a chat, and of chats that begin in the same moment, are all different.', async () => {
  const cids = [];
  for (let page = 0; page < 10; page += 1) {
    const world = new World({ random: Math.random });
    const { room, of } = await world.general();
    for (let n = 0; n < 50; n += 1) room.send(`${n}`);
    cids.push(...of('sending').map(({ cid }) => cid));
  }
  assert.deepEqual([cids.length, new Set(cids).size], [500, 500]);
});

test('One message of a room is on its way at a time, in order; other rooms do not wait.', async () => {
  const world = new World();
  const { room } = await world.general();
  const other = world.chat.join('other');
  world.admit();
  for (const text of ['a', 'b', 'c']) room.send(text);
  other.send('x');
  assert.deepEqual(published(world), ['a', 'x']);
  const [{ id }] = world.socket.sent('publish');
  world.socket.say({ type: 'ack', id, room: 'general', ref: 1, ts: 1 });
  assert.deepEqual(published(world), ['a', 'x', 'b']);
});

test('What is sent before connect, or offline, goes out once the room has caught up.', async () => {
  const world = new World();
  const room = world.chat.join('general');
  room.send('early');
  await world.online();
  assert.deepEqual(published(world), []);
  world.admit();
  assert.deepEqual(published(world), ['early']);
});

test('What is sent in a room that is being joined waits for it, though the chat is online.', async () => {
  const world = new World();
  await world.online();
  world.chat.join('general').send('early');
  assert.deepEqual(published(world), []);
  world.admit();
  assert.deepEqual(published(world), ['early']);
});

test('An unanswered message is sent again after a reconnect, with the same cid, before the others.', async () => {
  const world = new World();
  const { room } = await world.general();
  const receipts = [room.send('a'), room.send('b')];
  const [{ cid }] = world.socket.sent('publish');
  await reconnect(world);
  assert.deepEqual([published(world), world.socket.sent('publish')[0].cid], [['a'], cid]);
  ack(world, 1, { dup: true });
  ack(world, 2);
  assert.deepEqual((await Promise.all(receipts)).map(({ seq }) => seq), [1, 2]);
});

test('A message whose event is among the missed ones is settled by it, and not sent again.', async () => {
  const world = new World();
  const { room, told } = await world.general();
  const receipt = room.send('a');
  room.send('b');
  const [{ cid }] = world.socket.sent('publish');
  await reconnect(world, { events: [message(1, { user: 'ann', cid, text: 'a' })] });
  assert.deepEqual(await receipt, { seq: 1, ts: 10 });
  assert.deepEqual(published(world), ['b']);
  const order = told.map(([event, { state }]) => state ?? event);
  assert.ok(order.indexOf('acked') < order.lastIndexOf('message'), 'the message is told last');
});

test('Live, the own event settles too, and the late ack is nothing new.', async () => {
  const world = new World();
  const { room, of } = await world.general();
  const receipt = room.send('a');
  const [{ cid }] = world.socket.sent('publish');
  world.socket.say(message(1, { user: 'ann', cid }));
  assert.equal((await receipt).seq, 1);
  room.send('b');
  assert.deepEqual(published(world), ['a', 'b']);
  world.socket.say({ type: 'ack', id: world.socket.sent('publish')[0].id, ref: 1, ts: 10 });
  assert.deepEqual(states(of), ['a queued', 'a acked', 'b queued']);
});

test('Another user\'s message with the same cid settles nothing.', async () => {
  const world = new World();
  const { room, of } = await world.general();
  room.send('a');
  const [{ cid }] = world.socket.sent('publish');
  world.socket.say(message(1, { user: 'eve', cid }));
  assert.deepEqual(states(of), ['a queued']);
});

test('A message without an ack for 2 s is held, and the link is asked.', async () => {
  const world = new World();
  const { room, of } = await world.general();
  room.send('a');
  await world.clock.advance(1999);
  assert.deepEqual([states(of), world.socket.sent('ping').length], [['a queued'], 0]);
  await world.clock.advance(1);
  assert.deepEqual([states(of), world.socket.sent('ping').length], [['a queued', 'a held'], 1]);
  world.socket.say({ type: 'pong', ts: 0 });
  ack(world, 1);
  assert.deepEqual(states(of), ['a queued', 'a held', 'a acked']);
});

test('While the server is degraded, messages are held, old and new, and then acked.', async () => {
  const world = new World();
  const { room, of } = await world.general();
  room.send('a');
  world.socket.say({ type: 'notice', code: 'degraded' });
  room.send('b');
  assert.deepEqual(states(of), ['a queued', 'a held', 'b held']);
  world.socket.say({ type: 'notice', code: 'recovered' });
  ack(world, 1);
  ack(world, 2);
  room.send('c');
  assert.deepEqual(states(of).slice(3), ['a acked', 'b acked', 'c queued']);
});

test('After a reset the messages on their way are told again, for the cleared list.', async () => {
  const world = new World();
  const { room, told } = await world.general({ events: [message(1)] });
  room.send('a');
  await reconnect(world, { reset: 'too_far', events: [message(9)] });
  const names = told.slice(-4).map(([event, { state }]) => state ?? event);
  assert.deepEqual(names, ['reset', 'message', 'queued', 'joined']);
});

test('Who may write but not read a room can still send.', async () => {
  const world = new World();
  const room = world.chat.join('general');
  const socket = await world.online();
  room.send('a');
  socket.say({ type: 'error', id: socket.sent('join')[0].id, code: 'forbidden' });
  assert.deepEqual(published(world), ['a']);
});

for (const event of ['message', 'reset', 'sending', 'joined']) {
  test(`A listener of "${event}" that closes and connects anew ends the history, and nothing goes before the next.`, async () => {
    const world = new World();
    const { room, seqs } = await world.general({ events: [message(1)] });
    room.send('a').catch(() => {});
    world.socket.drop(4300);
    await world.greet();
    const stop = room.on(event, () => {
      stop();
      world.chat.close();
      world.chat.connect();
      room.send('b');
    });
    world.admit({ reset: 'too_far', events: messages(8, 9) });
    room.typing();
    assert.equal(seqs().at(-1), { message: 8, reset: 1, sending: 9, joined: 9 }[event]);
    await world.greet();
    assert.deepEqual([published(world), world.socket.sent('typing')], [[], []]);
    world.admit({ events: [message(10)] });
    assert.deepEqual(published(world), ['b']);
  });
}

test('A listener whose room is refused may close and connect anew, and nothing goes before the next join.', async () => {
  const world = new World();
  const room = world.chat.join('general');
  const stop = world.chat.on('error', () => {
    stop();
    world.chat.close();
    world.chat.connect();
    room.send('a');
  });
  const socket = await world.online();
  socket.say({ type: 'error', id: socket.sent('join')[0].id, code: 'forbidden', room: 'general' });
  await world.greet();
  assert.deepEqual(published(world), []);
  world.admit();
  assert.deepEqual(published(world), ['a']);
});

test('A listener that sends from its own message keeps the order.', async () => {
  const world = new World();
  const { room } = await world.general();
  let replies = 0;
  room.on('sending', ({ state }) => state === 'acked' && (replies += 1) < 3 && room.send(`r${replies}`));
  room.send('a');
  room.send('b');
  for (let seq = 1; seq <= 4; seq += 1) ack(world, seq);
  await settle();
  assert.deepEqual(published(world), ['a', 'b', 'r1', 'r2']);
});
