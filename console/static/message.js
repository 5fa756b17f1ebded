// One message as a line: its author, its text, and, if it is ours, where it stands.
import { h } from './dom.js';
import { hue, instant, time } from './format.js';

const STATE = {
  queued: 'sending …',
  held: 'held: it goes on by itself',
  acked: '',
  refused: 'refused',
};

export function avatar({ id, name }) {
  const letters = [...(name ?? id)].slice(0, 1).join('').toUpperCase();
  return h('span', { class: `avatar hue-${hue(id)}`, 'aria-hidden': 'true' }, letters);
}

/** Returns the line of a message; `again` and `discard` are for one that was refused. */
export function line(message, { isOwn, again, discard }) {
  const { user, name, state = 'acked', seq, ts } = message;
  const kind = isOwn ? 'message own' : 'message';
  return h(
    'li',
    { class: kind, 'data-state': state, 'data-seq': seq },
    avatar({ id: user, name }),
    h('div', { class: 'head' }, h('b', {}, name ?? user), ' ', ts ? when(ts, seq) : null),
    h('div', { class: 'body' }, content(message)),
    h(
      'p',
      { class: 'fate' },
      fate(message),
      state === 'refused'
        ? [
            h('button', { class: 'link', onclick: again }, 'Send again'),
            h('button', { class: 'link', onclick: discard }, 'Discard'),
          ]
        : null,
    ),
  );
}

/** Takes over what is new in a line; what stays is not read out again. */
export function renew(element, { dataset, children, classList }) {
  Object.assign(element.dataset, dataset);
  element.classList.toggle('own', classList.contains('own')); // known from the first `welcome` on
  [...children].forEach((child, i) => {
    const old = element.children[i];
    if (!old.isEqualNode(child)) old.replaceWith(child);
  });
}

function when(ts, seq) {
  const [datetime, title] = [new Date(ts).toISOString(), `${instant(ts)} · #${seq}`];
  return h('time', { datetime, title }, time(ts));
}

function content({ text, data, reply_to: answered }) {
  return [
    answered ? h('span', { class: 'answered' }, `↪ #${answered} `) : null,
    text ?? null,
    data === undefined ? null : h('code', {}, JSON.stringify(data)),
  ];
}

function fate({ state = 'acked', error }) {
  const why = error ? ` (${error.message})` : '';
  return STATE[state] + why;
}
