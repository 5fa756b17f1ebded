// Which view is shown: the one that the address names.
import { $ } from './dom.js';

/** Shows a view at a time; each may have `show` and `hide`, to work only while it is seen. */
export function setUpViews(views) {
  const sections = document.querySelectorAll('main > section');
  const links = document.querySelectorAll('#views a');
  let shown;

  function show() {
    const name = location.hash.slice(1);
    const next = name in views ? name : (shown ?? 'chat');
    if (next === shown) return;
    views[shown]?.hide?.();
    shown = next;
    for (const section of sections) section.hidden = section.id !== shown;
    for (const link of links) {
      if (link.hash === `#${shown}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    document.title = `${$(`#${shown}-title`).textContent} · Holdfast console`;
    views[shown].show?.();
  }

  addEventListener('hashchange', show);
  $('#views').hidden = $('#sign-out').hidden = false;
  show();
}

/** Calls `act` now and again `ms` after each time it has ended, between `show` and `hide`. */
export function polling(ms, act) {
  let turn = 0;

  async function go(mine) {
    await act();
    if (mine === turn) setTimeout(() => mine === turn && go(mine), ms);
  }

  return {
    show: () => go(++turn),
    hide: () => {
      turn += 1;
    },
  };
}
