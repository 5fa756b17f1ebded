// One frame as a line that opens: when, which way, what it is, and its JSON to read and copy.
import { h } from './dom.js';
import { bytes, instant } from './format.js';

const COPIED_MS = 1500;
const SHOWN = [
  'room',
  'seq',
  'ref',
  'cid',
  'user',
  'code',
  'on',
  'text',
  'reason',
  'head',
  'count',
];
const PIECE = 60; // letters of a value

export function frameRow({ direction, frame, bytes: size, at }) {
  const detail = h('div', { class: 'detail' });
  const way = direction === 'in' ? 'received' : 'sent';
  const mark = { class: 'way', title: way };
  const details = h(
    'details',
    {},
    h(
      'summary',
      {},
      h('time', {}, instant(at)),
      h('span', mark, direction === 'in' ? '←' : '→', h('span', { class: 'unseen' }, way)),
      h('b', { class: frame.type === 'error' ? 'bad' : '' }, frame.type),
      h('span', { class: 'gist' }, gist(frame)),
      h('span', { class: 'size' }, bytes(size)),
    ),
    detail,
  );
  // The JSON is built when it is looked at: most never is.
  details.addEventListener('toggle', () => {
    if (details.open && !detail.firstChild) detail.append(...unfold(frame));
  });
  return h('li', { class: direction }, details);
}

function gist(frame) {
  const shown = SHOWN.filter((key) => frame[key] !== undefined);
  const events = frame.events ? [`${frame.events.length} events`] : [];
  return [...shown.map((key) => `${key} ${cut(String(frame[key]?.id ?? frame[key]))}`), ...events].join(' · ');
}

const cut = (text) => (text.length > PIECE ? `${text.slice(0, PIECE)}…` : text);

function unfold(frame) {
  const text = JSON.stringify(frame, null, 2);
  const json = h('pre', { tabindex: 0, 'aria-label': `JSON of this ${frame.type}` }, text);
  const copy = h('button', { class: 'quiet' }, 'Copy');
  copy.addEventListener('click', async () => {
    copy.textContent = (await copied(text, json)) ? 'Copied' : 'Selected';
    setTimeout(() => {
      copy.textContent = 'Copy';
    }, COPIED_MS);
  });
  return [json, copy];
}

/** Copies, or where a page may not (plain HTTP), selects what is to be copied. */
async function copied(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return false;
  }
}
