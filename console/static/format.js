// Numbers, times and spans as people read them; a number and its unit stay on one line.

const clock = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const exact = new Intl.DateTimeFormat([], {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});
const date = new Intl.DateTimeFormat([], { weekday: 'long', day: 'numeric', month: 'long' });
const whole = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const time = (ms) => clock.format(ms);
export const instant = (ms) => exact.format(ms);
export const day = (ms) => date.format(ms);
const plural = (noun) => noun.replace(/s?$/, 's');

/** As many of a thing: 1 room, 2 rooms. */
export function counted(number, noun) {
  return `${count(number)} ${number === 1 ? noun.replace(/s$/, '') : plural(noun)}`;
}

export const count = (number) => whole.format(number);

/** A duration in milliseconds, with as many digits as matter. */
export function duration(span) {
  const ms = Math.max(0, span); // two machines' clocks may differ
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return age(ms);
}

/** How long something has lasted, roughly. */
export function age(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400)
    return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function bytes(number) {
  return number < 1024 ? `${number} B` : `${(number / 1024).toFixed(1)} KiB`;
}

const FNV = [2166136261, 16777619]; // Fowler, Noll and Vo's hash of 32 bits: offset and prime

/** One of few colours for a text: the same for the same text, on every page. */
export function hue(text, hues = 8) {
  let hash = FNV[0];
  for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0), FNV[1]) >>> 0;
  return (hash >>> 13) % hues;
}
