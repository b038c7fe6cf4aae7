// Text that a peer sent, made fit to be looked at.

// Control characters become their pictures (U+2400…), and the invisible ones that reorder or hide text become their
// code points: what a message holds is what is seen.
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return "\u2421";
    return `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

export interface Clipped {
  text: string;
  rest: number; // Characters that are not in text.
}

// At most `max` characters, never half of a surrogate pair.
export function clip(text: string, max: number): Clipped {
  if (text.length <= max) return { text, rest: 0 };
  const last = text.charCodeAt(max - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? max - 1 : max;
  return { text: text.slice(0, end), rest: text.length - end };
}

const pad = (value: number, digits = 2) => String(value).padStart(digits, "0");

// "06:12:49.123", with the day before it when it is not today.
export function clockTime(time: Date, now: Date): string {
  if (Number.isNaN(time.getTime())) return "–";
  const clock = `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
  if (time.toDateString() === now.toDateString()) return `${clock}.${pad(time.getMilliseconds(), 3)}`;
  return `${pad(time.getMonth() + 1)}-${pad(time.getDate())} ${clock}`;
}

export function fullTime(time: Date): string {
  if (Number.isNaN(time.getTime())) return "–";
  const minutes = -time.getTimezoneOffset();
  const zone = `${minutes < 0 ? "−" : "+"}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`;
  const day = `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
  return `${day} ${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}.${pad(time.getMilliseconds(), 3)} ${zone}`;
}

const whole = new Intl.NumberFormat("en-US");

export const count = (value: number) => whole.format(value);

export const plural = (value: number, one: string, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

// "0", "0.4", "12", "1,204".
export function rate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 10) return perSecond.toFixed(1).replace(/\.0$/, "");
  return count(Math.round(perSecond));
}

const BYTE_UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

// "0 bytes", "1 byte", "1.5 KiB", "12 GiB".
export function byteSize(bytes: number): string {
  if (bytes < 1024) return plural(bytes, "byte");
  let value = bytes / 1024;
  let unit = 0;
  // From 1,023.5 on it would be rounded to 1,024.
  for (; value >= 1023.5 && unit < BYTE_UNITS.length - 1; unit++) value /= 1024;
  return `${value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : count(Math.round(value))} ${BYTE_UNITS[unit]}`;
}
