// Light, dark, or as the system says.

const KEY = 'holdfast.theme';
const NEXT = { auto: 'light', light: 'dark', dark: 'auto' };
const LOOK = { auto: '◐', light: '○', dark: '●' };
const NAME = { auto: 'as the system', light: 'light', dark: 'dark' };

export function setUpTheme(button) {
  function wear(theme) {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
    button.textContent = LOOK[theme];
    button.title = `Colours: ${NAME[theme]}`;
    button.setAttribute('aria-label', button.title);
  }

  const worn = () => (localStorage.getItem(KEY) in NEXT ? localStorage.getItem(KEY) : 'auto');
  button.addEventListener('click', () => wear(NEXT[worn()]));
  wear(worn());
}
