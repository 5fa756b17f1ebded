// Light, dark, or as the system says.
import { lasting } from './storage.js';

const KEY = 'holdfast.theme';
const NEXT = { auto: 'light', light: 'dark', dark: 'auto' };
const LOOK = { auto: '◐', light: '○', dark: '●' };
const NAME = { auto: 'as the system', light: 'light', dark: 'dark' };

export function setUpTheme(button) {
  function wear(theme) {
    document.documentElement.dataset.theme = theme;
    lasting.setItem(KEY, theme);
    button.textContent = LOOK[theme];
    button.title = `Colours: ${NAME[theme]}`;
    button.setAttribute('aria-label', button.title);
  }

  const worn = () => (lasting.getItem(KEY) in NEXT ? lasting.getItem(KEY) : 'auto');
  button.addEventListener('click', () => wear(NEXT[worn()]));
  wear(worn());
}
