// The frames: both directions, live, with what they tell of latency and a way to send one.
import { setUpComposer } from './composer.js';
import { $ } from './dom.js';
import { frameRow } from './frame_row.js';
import { Latency } from './latency.js';
import { setUpLatencies } from './latencies.js';

const KEPT = 500; // frames, and as many again while paused
const PINGS = new Set(['ping', 'pong']);

export function setUpFrames(chat) {
  const list = $('#frame-list');
  const latency = new Latency(chat);
  const latencies = setUpLatencies(latency);
  const texts = new WeakMap(); // what the filter looks at
  const rows = [];
  let waiting = [];
  let isPaused = false;
  let isDrawing = false;

  setUpComposer(chat);

  function take(tapped) {
    waiting.push(tapped);
    if (waiting.length > KEPT) waiting.shift();
    if (isPaused) count();
    else if (!isDrawing) {
      isDrawing = true;
      requestAnimationFrame(draw);
    }
  }

  function draw() {
    isDrawing = false;
    if (isPaused) return;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    for (const tapped of waiting) add(tapped);
    waiting = [];
    for (const row of rows.splice(0, rows.length - KEPT)) row.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  }

  function add(tapped) {
    const row = frameRow(tapped);
    texts.set(row, { ...tapped, text: JSON.stringify(tapped.frame).toLowerCase() });
    row.hidden = !isWanted(row);
    rows.push(row);
    list.append(row);
  }

  /** Each word must be in the frame's JSON, and no word after a minus. */
  function isWanted(row) {
    const { text, frame, direction } = texts.get(row);
    const words = $('#filter').value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (word) => (/^-./.test(word) ? !text.includes(word.slice(1)) : text.includes(word));
    const way = $('#direction').value;
    return (
      words.every(fits) &&
      (!way || way === direction) &&
      ($('#pings').checked || !PINGS.has(frame.type))
    );
  }

  function refilter() {
    for (const row of rows) row.hidden = !isWanted(row);
    list.scrollTop = list.scrollHeight;
  }

  function count() {
    $('#pause').textContent = isPaused ? `Go on (${waiting.length})` : 'Pause';
  }

  $('#pause').addEventListener('click', () => {
    isPaused = !isPaused;
    $('#pause').setAttribute('aria-pressed', isPaused);
    count();
    draw();
  });
  $('#clear').addEventListener('click', () => {
    list.replaceChildren();
    rows.length = waiting.length = 0;
    count();
  });
  for (const field of ['#filter', '#direction', '#pings'])
    $(field).addEventListener('input', refilter);
  chat.on('frame', take);

  return {
    show() {
      latency.begin();
      latencies.show();
      list.scrollTop = list.scrollHeight;
    },
    hide() {
      latency.end();
      latencies.hide();
    },
  };
}
