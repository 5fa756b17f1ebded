// What the server found when it looked at its Redis: whether that is set up as the promise needs.
import { h } from './dom.js';

export function checks(findings) {
  const rows = findings.map(({ check, ok, said, wanted }) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, check),
      h('td', {}, said),
      h('td', {}, ok ? tag('fine', 'good') : tag(`wanted: ${wanted}`, 'bad')),
    ),
  );
  return h('table', {}, h('caption', { class: 'unseen' }, 'Checks of Redis'), h('tbody', {}, rows));
}

const tag = (text, tone) => h('span', { class: `tag ${tone}` }, text);
