// Sending a frame by hand: its type is completed from what this server says it takes.
import { setUpCombobox } from './combobox.js';
import { $, onSubmit } from './dom.js';
import { duration } from './format.js';
import { ask, reason } from './requests.js';

const SILENT = new Set(['pong']); // the server answers these not at all

export function setUpComposer(chat) {
  const json = $('#frame-json');
  let known;
  let lastId = 0;

  setUpCombobox(
    $('#frame-type'),
    $('#frame-types'),
    types,
    ({ name, description, example }) => {
      const { id, token, ...frame } = example;
      if ('cid' in frame) frame.cid = chat.cid();
      json.value = JSON.stringify(token ? { ...frame, token: '' } : frame, null, 2);
      $('#frame-help').textContent = `${name}: ${description}`;
      json.focus();
    },
  );

  /** Asked for once, or again where that failed. */
  async function types() {
    try {
      known ??= await frameTypes();
    } catch (error) {
      $('#frame-help').textContent = `No examples: ${error.message}.`;
    }
    return known ?? [];
  }

  /** The client's own ids keep the answer away from the rooms: it is ours. */
  function send(frame) {
    const asked = performance.now();
    lastId += 1;
    const mine = lastId;
    answer('sent …');
    if (Array.isArray(frame) || SILENT.has(frame.type)) {
      chat.post(...[frame].flat());
      answer('sent');
    } else {
      chat.ask(frame, (reply) => {
        const code = reply.code ? ` ${reason(reply)}` : '';
        if (mine === lastId)
          answer(
            `${reply.type}${code} after ${duration(performance.now() - asked)}`,
            reply.type === 'error',
          );
      });
    }
  }

  function answer(text, isBad = false) {
    $('#frame-answer').textContent = text;
    $('#frame-answer').classList.toggle('bad', isBad);
  }

  onSubmit($('#composer'), () => {
    try {
      const frame = JSON.parse(json.value);
      if (typeof frame !== 'object' || frame === null)
        throw new SyntaxError('an object or an array');
      if (chat.state !== 'online') answer('not online: nothing was sent', true);
      else send(frame);
    } catch (error) {
      answer(`not JSON: ${error.message}`, true);
    }
  });
  json.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) $('#composer').requestSubmit();
  });
}

/** What the server takes, with an example each, from its own description. */
async function frameTypes() {
  const { operations, components } = await ask('/v1/asyncapi.json');
  const taken = Object.values(operations).filter(({ action }) => action === 'receive');
  const names = taken.flatMap(({ messages }) => messages.map(({ $ref }) => $ref.split('/').at(-1)));
  return [...new Set(names)].map((title) => {
    const { name, examples } = components.messages[title];
    const { description = '' } = components.schemas[title] ?? {};
    return { name, description: description.split('\n')[0], example: examples[0].payload };
  });
}
