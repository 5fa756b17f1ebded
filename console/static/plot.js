// A plot of durations over the last minute; logarithmic, for a failover is a thousand pings long.
import { svg } from './dom.js';

const HEIGHT = 170;
const LEFT = 46;
const BOTTOM = 22;
const SPAN_MS = 60_000;
const TICKS = [
  [0.1, '0.1 ms'],
  [1, '1 ms'],
  [10, '10 ms'],
  [100, '0.1 s'],
  [1000, '1 s'],
  [10_000, '10 s'],
];
const AGES = [
  [60_000, '60 s ago'],
  [30_000, '30 s'],
  [0, 'now'],
];
const DOT = 3;

export function plot(samples, width, now = Date.now()) {
  const x = (at) => LEFT + (width - LEFT - 8) * (1 - (now - at) / SPAN_MS);
  const y = (ms) => {
    const [low, high] = [Math.log10(TICKS[0][0]), Math.log10(TICKS.at(-1)[0])];
    const share = (Math.log10(Math.max(ms, TICKS[0][0])) - low) / (high - low);
    return (HEIGHT - BOTTOM) * (1 - Math.min(share, 1)) + 6;
  };
  const label = `Latency of the last minute, ${samples.length} times; the table has the figures`;
  const box = { viewBox: `0 0 ${width} ${HEIGHT + 6}`, width, height: HEIGHT + 6 };
  return svg(
    'svg',
    { ...box, role: 'img', 'aria-label': label, class: 'plot' },
    TICKS.map(([ms, name]) => [
      svg('line', { x1: LEFT, x2: width - 8, y1: y(ms), y2: y(ms) }),
      svg('text', { x: LEFT - 6, y: y(ms) + 4, 'text-anchor': 'end' }, name),
    ]),
    AGES.map(([age, name]) =>
      svg(
        'text',
        {
          x: x(now - age),
          y: HEIGHT + 2,
          'text-anchor': age ? (age === SPAN_MS ? 'start' : 'middle') : 'end',
        },
        name,
      ),
    ),
    trace(samples, x, y),
    samples.map(({ kind, at, ms }) => mark(kind, x(at), y(ms))),
  );
}

function trace(samples, x, y) {
  const points = samples
    .filter(({ kind }) => kind === 'trip')
    .map(({ at, ms }) => `${x(at)},${y(ms)}`);
  return svg('polyline', { class: 'trip', points: points.join(' ') });
}

/** Kinds differ by shape too, for who can't tell the colours apart. */
function mark(kind, x, y) {
  if (kind === 'trip') return svg('circle', { class: kind, cx: x, cy: y, r: DOT });
  if (kind === 'ack')
    return svg('rect', { class: kind, x: x - DOT, y: y - DOT, width: 2 * DOT, height: 2 * DOT });
  const points = [
    [0, -DOT - 1],
    [DOT + 1, DOT],
    [-DOT - 1, DOT],
  ].map(([dx, dy]) => `${x + dx},${y + dy}`);
  return svg('polygon', { class: kind, points: points.join(' ') });
}
