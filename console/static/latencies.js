// The latency of the last minute: as a plot, and in words.
import { $, h, replace } from './dom.js';
import { duration } from './format.js';
import { SERIES } from './latency.js';
import { plot } from './plot.js';
import { polling } from './views.js';

const REDRAW_MS = 1000;

export function setUpLatencies(latency) {
  const place = $('#plot');
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    width = contentRect.width;
    draw();
  }).observe(place);

  function draw() {
    if (!width) return;
    const rows = Object.entries(SERIES).map(([kind, name]) =>
      row(kind, name, latency.sorted(kind)),
    );
    replace($('#latencies tbody'), rows);
    place.replaceChildren(plot(latency.samples, Math.floor(width)));
  }

  return polling(REDRAW_MS, async () => draw());
}

function row(kind, name, sorted) {
  const at = (share) => {
    const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    return h('td', {}, found === undefined ? '–' : duration(found));
  };
  const title = h('th', { scope: 'row', class: kind }, h('span', { class: 'dot' }), name);
  return h('tr', {}, title, at(0.5), at(0.95), h('td', {}, String(sorted.length)));
}
