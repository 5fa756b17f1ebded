// Building elements: whatever comes from elsewhere becomes text or an attribute, never markup.

const SVG = 'http://www.w3.org/2000/svg';

export const $ = (selector, root = document) => root.querySelector(selector);

/** Returns an element; `on…` are listeners, null and false leave an attribute out. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Returns an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined),
  );
  return element;
}

function set(element, name, value) {
  if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
  else if (value === true) element.setAttribute(name, '');
  else if (![false, null, undefined].includes(value)) element.setAttribute(name, value);
}

/** Calls `act` with a form's fields instead of sending them. */
export function onSubmit(form, act) {
  form?.addEventListener('submit', (event) => {
    event.preventDefault();
    act(Object.fromEntries(new FormData(form)));
  });
}

/** Replaces the children only if they differ: a selection or a reader's place stays. */
export function replace(element, ...children) {
  const fresh = h('div', {}, ...children);
  const old = [...element.childNodes];
  const isSame =
    old.length === fresh.childNodes.length &&
    old.every((node, i) => node.isEqualNode(fresh.childNodes[i]));
  if (!isSame) element.replaceChildren(...fresh.childNodes);
}

/** Sets a text only if it is another: the same once more would be read out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Asks for a yes in a dialog. */
export function confirmed(title, text, yes) {
  const dialog = $('#confirm');
  $('h2', dialog).textContent = title;
  $('p', dialog).textContent = text;
  $('.danger', dialog).textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}
