// The failovers there were, the latest first, each with how long nothing could be stored.
import { h, replace } from './dom.js';
import { duration, instant } from './format.js';

const SHOWN = 20;
const FULL_MS = 5000; // a bar this long is full: a failover takes two to four seconds
const NEAR_MS = 2000; // what was seen here and what the server tells are the same failover

/** Returns what was seen here and what the server tells, each once, the latest first. */
export function merged(blackouts, told = []) {
  const rows = told.map(({ blackout_ms: ms, ...rest }) => ({ isOver: true, ms, ...rest }));
  for (const blackout of blackouts) {
    if (!rows.some(({ at }) => Math.abs(at - blackout.at) < NEAR_MS)) rows.push(blackout);
  }
  return rows.sort((one, other) => other.at - one.at);
}

export function drawFailovers(list, rows) {
  if (rows.length) replace(list, rows.slice(0, SHOWN).map(row));
  else replace(list, h('li', { class: 'empty' }, 'None so far.'));
}

function row({ at, ms, reason, from, to, isOver }) {
  const length = duration(ms) + (isOver ? '' : ' and counting');
  return h(
    'li',
    {},
    h('time', { datetime: new Date(at).toISOString() }, instant(at)),
    h('b', {}, length),
    h('meter', {
      min: 0,
      max: FULL_MS,
      value: Math.min(ms, FULL_MS),
      'aria-label': `blackout ${length}`,
    }),
    h('span', { class: 'quiet' }, from && to ? `${reason}: ${from} → ${to}` : reason),
  );
}
