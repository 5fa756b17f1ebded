/** Six people, a thousand messages, a server that breaks at random: nobody's view may show it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Chat } from '../../console/client.js';
import { Model } from './model.mjs';
import { VirtualClock, seeded } from './world.mjs';

const PEOPLE = ['ann', 'bo', 'cy', 'di', 'ed', 'flo'];
const MESSAGES = 1000;
const WAITING = 60; // of one person, so that no outbox runs full
const seeds = process.env.SEEDS?.split(',').map(Number) ?? [1, 2, 3];

/** Someone who talks, and writes down what the room shows. */
class Person {
  shown = [];
  said = [];
  waiting = 0;
  states = new Map();

  constructor(user, model, clock, random) {
    this.chat = new Chat('ws://model.test/ws', {
      getToken: () => `token-of-${user}`, WebSocket: model.socketOf(user), clock, random,
    });
    this.user = user;
    this.room = this.chat.join('general');
    this.room.on('message', ({ seq, text }) => this.shown.push({ seq, text }));
    this.room.on('reset', ({ reason }) => assert.fail(`a reset: ${reason}`));
    this.room.on('sending', ({ cid, state }) => this.states.set(cid, state));
    this.chat.connect();
  }

  say(text) {
    const index = this.said.push({ text }) - 1;
    this.waiting += 1;
    this.room.send(text).then(({ seq }) => {
      this.waiting -= 1;
      this.said[index].seq = seq;
    });
  }
}

/** Turns the clock until the condition holds, for at most ten hours of the model's time. */
async function until(clock, condition) {
  for (let s = 0; !condition(); s += 1) {
    assert.ok(s < 36_000, 'not quiet after ten hours');
    await clock.advance(1000);
  }
}

async function run(seed) {
  const clock = new VirtualClock();
  const random = seeded(seed);
  const model = new Model(clock, random);
  const people = PEOPLE.map((user) => new Person(user, model, clock, random));
  for (let n = 0; n < MESSAGES; n += 1) {
    const talkers = people.filter(({ waiting }) => waiting < WAITING);
    if (!talkers.length) await until(clock, () => people.some(({ waiting }) => waiting < WAITING));
    const person = talkers[Math.floor(random() * talkers.length)] ?? people[0];
    person.say(`${person.user} ${n}`);
    await clock.advance(random() * 120);
  }
  await until(clock, () => people.every(({ waiting }) => waiting === 0));
  model.isCalm = true;
  await until(clock, () => people.every(({ chat }) => chat.state === 'online'));
  people[0].say('the end'); // a lost event shows by the one after it
  await clock.advance(60_000);
  return { model, people };
}

for (const seed of seeds) {
  test(`Whatever breaks (seed ${seed}), every view is the log, once and in order.`, async (t) => {
    const { model: { log, faults }, people } = await run(seed);
    t.diagnostic(JSON.stringify(faults));
    assert.equal(log.length, MESSAGES + 1);
    for (const { shown, said, user, states } of people) {
      assert.deepEqual(shown, log.map(({ seq, text }) => ({ seq, text })));
      const own = log.filter((event) => event.user === user);
      assert.deepEqual(said, own.map(({ seq, text }) => ({ text, seq })), `${user}'s order`);
      assert.deepEqual(new Set(states.values()), new Set(['acked']));
    }
    for (const [fault, count] of Object.entries(faults)) assert.ok(count > 0, `${fault} never happened`);
  });
}
