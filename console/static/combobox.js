// A field with suggestions, as the ARIA practices describe the combobox with a list.
import { h } from './dom.js';

/** Offers what `options` promises ({ name, description }) and calls `pick` with the chosen. */
export function setUpCombobox(input, list, options, pick) {
  let fitting = [];
  let active = -1;

  async function open() {
    const typed = input.value.trim().toLowerCase();
    const all = await options();
    fitting = all.filter(({ name }) => name.includes(typed));
    if (fitting.length === 1 && fitting[0].name === typed && active < 0) fitting = all;
    active = typed ? 0 : -1;
    draw();
    list.hidden = fitting.length === 0;
    input.setAttribute('aria-expanded', !list.hidden);
  }

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  }

  function draw() {
    list.replaceChildren(
      ...fitting.map(({ name, description }, i) =>
        h(
          'li',
          {
            id: `${list.id}-${i}`,
            role: 'option',
            'aria-selected': String(i === active),
            // Before the field loses its focus, and with it the list goes.
            onmousedown: (event) => {
              event.preventDefault();
              choose(i);
            },
          },
          h('b', {}, name),
          ' ',
          h('span', {}, description),
        ),
      ),
    );
    if (active < 0) input.removeAttribute('aria-activedescendant');
    else input.setAttribute('aria-activedescendant', `${list.id}-${active}`);
  }

  function choose(i) {
    input.value = fitting[i].name;
    close();
    pick(fitting[i]);
  }

  function move(step) {
    if (list.hidden) return open();
    active = (active + step + fitting.length) % fitting.length;
    return draw();
  }

  const keys = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => (active < 0 ? open() : choose(active)),
    Escape: close,
  };
  input.addEventListener('keydown', (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  input.addEventListener('input', open);
  input.addEventListener('click', open);
  input.addEventListener('blur', close);
}
