/** docs/client.md leaves nothing out of what client.d.ts declares. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

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
