// The last minutes of the storage as a strip: when it was there, and when it was not.
import { svg } from './dom.js';
import { duration, instant } from './format.js';

const SPAN_MS = 10 * 60_000;
const HEIGHT = 28;
const LEAST_PX = 3; // a blackout of a second is seen
const MARKS = [
  [10, '10 min ago', 'start'],
  [5, '5 min', 'middle'],
  [0, 'now', 'end'],
];

export class Timeline {
  #place;
  #width = 0;
  #last = [[], 0];

  constructor(place) {
    this.#place = place;
    new ResizeObserver(([{ contentRect }]) => {
      this.#width = Math.floor(contentRect.width);
      this.draw(...this.#last);
    }).observe(place);
  }

  draw(turns, now) {
    this.#last = [turns, now];
    if (!this.#width || !now) return;
    const box = {
      viewBox: `0 0 ${this.#width} ${HEIGHT + 20}`,
      width: this.#width,
      height: HEIGHT + 20,
    };
    const x = (at) => this.#width * Math.max(0, 1 - (now - at) / SPAN_MS);
    this.#place.replaceChildren(
      svg(
        'svg',
        { ...box, class: 'timeline', role: 'img', 'aria-label': said(turns, now) },
        svg('rect', { class: 'unknown', width: this.#width, height: HEIGHT, rx: 5 }),
        turns.map((turn, i) => piece(turn, turns[i + 1]?.at ?? now, x)),
        MARKS.map(([minutes, text, anchor]) =>
          svg(
            'text',
            {
              x: x(now - minutes * 60_000),
              y: HEIGHT + 16,
              'text-anchor': anchor,
            },
            text,
          ),
        ),
      ),
    );
  }
}

function piece({ phase, reason, at }, end, x) {
  if (x(end) <= 0) return null;
  const width = Math.max(x(end) - x(at), LEAST_PX);
  const title = `${instant(at)}: ${phase}, ${duration(end - at)} (${reason})`;
  return svg(
    'rect',
    { class: phase, x: x(at), width, height: HEIGHT, rx: 2 },
    svg('title', {}, title),
  );
}

function said(turns, now) {
  const recent = turns.filter(({ phase, at }) => phase !== 'up' && now - at < SPAN_MS).length;
  return `The last ten minutes of the storage; ${recent} turns away from up`;
}
