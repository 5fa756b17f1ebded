// The states of the storage, with the ways between them; the present one stands out.
import { svg } from './dom.js';
import { PHASE } from './figures.js';

const BOX = { width: 96, height: 36 };
const PLACES = { starting: [1, 8], up: [122, 8], failing_over: [243, 8], down: [243, 92] };
const WAYS = [
  'M98 26H118', // starting → up
  'M219 20H239', // up → failing over
  'M242 32H222', // failing over → up
  'M291 45V88', // failing over → down
  'M242 110H170V48', // down → up
];

export function machine(phase) {
  const names = Object.keys(PLACES)
    .map((name) => PHASE[name])
    .join(', ');
  const label = `The storage is ${PHASE[phase] ?? phase}, of the states ${names}`;
  return svg(
    'svg',
    { viewBox: '0 0 340 130', role: 'img', 'aria-label': label, class: 'machine' },
    svg(
      'defs',
      {},
      svg(
        'marker',
        {
          id: 'tip',
          viewBox: '0 0 8 8',
          refX: 6,
          refY: 4,
          markerWidth: 7,
          markerHeight: 7,
          orient: 'auto',
        },
        svg('path', { d: 'M0 0L8 4L0 8Z' }),
      ),
    ),
    WAYS.map((d) => svg('path', { d, class: 'way', 'marker-end': 'url(#tip)' })),
    Object.entries(PLACES).map(([name, [x, y]]) => box(name, x, y, name === phase)),
  );
}

function box(name, x, y, isNow) {
  return svg(
    'g',
    { class: isNow ? `state now ${name}` : 'state' },
    svg('rect', { x, y, rx: 9, ...BOX }),
    svg('text', { x: x + BOX.width / 2, y: y + 23, 'text-anchor': 'middle' }, PHASE[name]),
  );
}
