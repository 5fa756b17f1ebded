/**
 * Six people, a thousand messages, two real servers, sockets cut at random, a master that dies.
 *
 * CHAT_PORTS names the servers' ports, CHAT_TOKENS a token by user, both as JSON; SEED another
 * order of the cuts. `test_nodes.py` brings them, and kills the master half-way.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Chat } from '../../console/client.js';
import { Balancer } from './balancer.mjs';
import { seeded } from './world.mjs';

const { CHAT_PORTS = '[]', CHAT_TOKENS = '{}', SEED = '1' } = process.env;
const ports = JSON.parse(CHAT_PORTS);
const tokens = JSON.parse(CHAT_TOKENS);
const skip = ports.length ? false : 'CHAT_PORTS names no servers';
const MESSAGES = 1000;
const TALK_MS = 14_000; // the messages are spread over this time: longer than a failover takes
const CUT_EVERY_MS = 250; // so that each connection lives about two seconds
const IMPATIENCE = 1 / 16; // of chance: whoever waits for as long as a client may is cut off less
const QUIET_MS = 40_000;
const WAITING = 60; // of one person, so that no outbox runs full
const ROOM = 'simulation';

/** Someone who talks, and writes down what the room shows. */
class Person {
  view = [];
  said = [];
  receipts = [];
  joins = 0;
  waiting = 0;
  repeats = new Map(); // how often each cid went out

  constructor(user, port) {
    this.user = user;
    this.chat = new Chat(`ws://127.0.0.1:${port}/ws`, {
      getToken: () => tokens[user], random: () => Math.random() * IMPATIENCE,
    });
    this.chat.on('frame', ({ direction, frame }) => {
      if (direction !== 'out' || frame.type !== 'publish') return;
      this.repeats.set(frame.cid, (this.repeats.get(frame.cid) ?? 0) + 1);
    });
    this.room = this.chat.join(ROOM, { history: 0 });
    this.room.on('message', ({ seq, user: author, text }) => this.view.push({ seq, author, text }));
    this.room.on('reset', ({ reason }) => assert.fail(`a reset: ${reason}`));
    this.room.on('joined', () => { this.joins += 1; });
    this.chat.connect();
  }

  say(text) {
    this.said.push(text);
    this.waiting += 1;
    const receipt = this.room.send(text).then(({ seq }) => {
      this.waiting -= 1;
      return { seq, author: this.user, text };
    });
    receipt.catch(() => {}); // the test awaits it, but later
    this.receipts.push(receipt);
  }
}

async function until(what, condition) {
  for (let left = QUIET_MS; !condition(); left -= 50) {
    assert.ok(left > 0, what);
    await sleep(50);
  }
}

/** Reads the whole log from a server, as it is stored. */
async function logOf(port) {
  const items = [];
  const headers = { Authorization: `Bearer ${Object.values(tokens)[0]}` };
  for (let head = 1; items.length < head;) {
    const at = `http://127.0.0.1:${port}/v1/rooms/${ROOM}/messages?limit=100&after=${items.length}`;
    const answer = await fetch(at, { headers });
    assert.equal(answer.status, 200, await answer.clone().text());
    const page = await answer.json();
    head = page.head;
    items.push(...page.items);
  }
  return items.map(({ seq, user, text }) => ({ seq, author: user, text }));
}

test('Through cuts and a failover every view is the log, each sender\'s order kept.', { skip }, async (t) => {
  const random = seeded(Number(SEED));
  const balancer = new Balancer(ports, random);
  const port = await balancer.listen();
  const people = Object.keys(tokens).map((user) => new Person(user, port));
  t.after(() => {
    people.forEach(({ chat }) => chat.close());
    balancer.close();
  });
  await until('all join', () => people.every(({ joins }) => joins));

  const cutting = setInterval(() => balancer.cut(), CUT_EVERY_MS);
  t.after(() => clearInterval(cutting));
  for (let n = 0; n < MESSAGES; n += 1) {
    const mayTalk = () => people.filter(({ waiting }) => waiting < WAITING);
    await until('someone may talk', () => mayTalk().length);
    mayTalk()[Math.floor(random() * mayTalk().length)].say(`message ${n}`);
    await sleep(TALK_MS / MESSAGES);
  }
  clearInterval(cutting);
  balancer.calm();
  const receipts = (await Promise.all(people.map((person) => Promise.all(person.receipts)))).flat();
  await until('all see all', () => people.every(({ view }) => view.at(-1)?.seq >= MESSAGES));

  const logs = await Promise.all(ports.map(logOf));
  for (const log of logs) assert.deepEqual(log, logs[0], 'the servers disagree');
  const [log] = logs;
  assert.deepEqual(log.map(({ seq }) => seq), Array.from({ length: MESSAGES }, (_, n) => n + 1));
  for (const { user, view, said } of people) {
    assert.deepEqual(view, log, `${user}'s view`);
    const own = log.filter(({ author }) => author === user);
    assert.deepEqual(own.map(({ text }) => text), said, `${user}'s order`);
  }
  assert.deepEqual(receipts.sort((a, b) => a.seq - b.seq), log, 'the receipts');

  const repeated = people.flatMap(({ repeats }) => [...repeats.values()]).filter((times) => times > 1);
  const counted = { cuts: balancer.cuts, rejoined: people.map(({ joins }) => joins - 1),
    repeated: repeated.length, connections: Object.fromEntries(balancer.served) };
  t.diagnostic(JSON.stringify(counted));
  assert.ok(balancer.cuts >= 20, 'too few cuts');
  assert.ok(people.every(({ joins }) => joins > 1), 'someone was never cut off');
  assert.ok(repeated.length >= 5, 'too few messages had to be repeated');
  assert.equal(balancer.served.size, ports.length, 'a server was never used');
});
