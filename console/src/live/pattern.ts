// Topic patterns: "*" stands for any characters, dots too.

export const DEFAULT_PATTERN = "hl7.*";
export const EVERYTHING = "*";
export const PATTERN_LENGTH_MAX = 249;

// What the server takes: a topic's characters and "*".
export function isPattern(text: string): boolean {
  return text.length <= PATTERN_LENGTH_MAX && /^[A-Za-z0-9._*-]+$/.test(text);
}

// Linear in the text for one star, never more than quadratic: no backtracking over stars before the last.
export function matches(pattern: string, topic: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < topic.length) {
    if (pattern[p] === "*") {
      star = p++;
      resume = t;
    } else if (p < pattern.length && pattern[p] === topic[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
