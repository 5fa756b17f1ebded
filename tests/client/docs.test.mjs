/** docs/client.md leaves nothing out of what client.d.ts declares, and the examples do as they say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { ack } from './publishing.mjs';
import { World, message, settle } from './world.mjs';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const declared = read('console/client.d.ts');
const page = read('docs/client.md');

/** Names of the members of an interface or class, as declared. */
function members(name) {
  const body = new RegExp(`(?:interface|class) ${name}\\b[^{]*\\{\\n([^]*?)\\n\\}`).exec(declared)[1];
  const names = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[(<:]/gm)].map(([, member]) => member);
  return names.filter((member) => member !== 'constructor');
}

const said = [...page.matchAll(/```[^]*?```|`([^`\n]+)`/g)].map(([, code]) => code ?? '').join(' ');

for (const name of ['ChatEvents', 'RoomEvents', 'ChatOptions', 'JoinOptions', 'Chat', 'Room', 'Joined',
  'StateDetail', 'PresenceChange', 'TappedFrame']) {
  test(`Each member of ${name} is in docs/client.md.`, () => {
    assert.ok(members(name).length > 0);
    assert.deepEqual(members(name).filter((member) => !new RegExp(`\\b${member}\\b`).test(said)), []);
  });
}

test('Each state, of the chat and of a message, is in docs/client.md.', () => {
  const states = [...declared.matchAll(/^export type (?:Chat|Send)State = (.*);$/gm)]
    .flatMap(([, union]) => union.split(' | '));
  assert.equal(states.length, 10);
  for (const state of states) assert.match(page, new RegExp(`\\b${state.slice(1, -1)}\\b`));
});

/** Runs a page's example in a world, up to what it awaits; returns the map of what it shows. */
function example(path, world, fetch) {
  const Chat = function (_, { getToken }) {
    world.token = getToken;
    return world.chat;
  };
  const elements = Object.fromEntries(['banner', 'form', 'input', 'online'].map((id) => [id, {}]));
  const names = { Chat, fetch, render() {}, ...elements };
  const [, code] = /```js\n([^]*?)```/.exec(read(path));
  const body = `${code.replace(/^(?:import|await) .*$/gm, '')}\nreturn shown;`;
  return new Function(...Object.keys(names), body)(...Object.values(names));
}

for (const path of ['docs/client.md', 'console/README.md']) {
  test(`The example of ${path} outlives an error page, and shows messages in their order.`, async () => {
    const world = new World();
    const answers = [new Response('down', { status: 503, statusText: 'no' }), new Response('good')];
    const shown = example(path, world, async () => answers.shift());
    await settle();
    assert.equal(world.errors[0]?.code, 'token_unavailable');
    await world.clock.advance(250);
    await world.greet();
    assert.equal(world.socket.sent('auth')[0].token, 'good');
    world.admit();
    world.chat.join('general').send('mine');
    world.socket.say(message(1));
    ack(world, 2);
    assert.deepEqual([...shown.values()].map(({ text }) => text), ['#1', 'mine']);
  });
}
