// Keys to commands, apart from the page so that it can be tested.

export type Command =
  | "next"
  | "previous"
  | "pageDown"
  | "pageUp"
  | "first"
  | "last"
  | "open"
  | "close"
  | "filter"
  | "pause"
  | "copy"
  | "clear"
  | "help";

// Where the key went: a text field or menu takes its own keys, a button takes Enter and Space, the parsed fields of an
// opened event take the arrows.
export type Place = "page" | "text" | "button" | "fields";

export interface Key {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

const LETTERS: Record<string, Command> = { "/": "filter", p: "pause", j: "next", k: "previous", c: "copy", x: "clear", "?": "help" };

const MOVES: Record<string, Command> = {
  ArrowDown: "next",
  ArrowUp: "previous",
  PageDown: "pageDown",
  PageUp: "pageUp",
  Home: "first",
  End: "last",
};

export function commandFor(key: Key, place: Place): Command | null {
  if (key.ctrlKey || key.metaKey || key.altKey) return null;
  if (key.key === "Escape") return "close";
  if (place === "text") return null;
  const letter = Object.hasOwn(LETTERS, key.key) ? LETTERS[key.key] : undefined;
  if (letter) return letter;
  if (place === "fields") return key.key === " " ? "pause" : null;
  if (Object.hasOwn(MOVES, key.key)) return MOVES[key.key]!;
  if (place === "button") return null;
  if (key.key === "Enter") return "open";
  return key.key === " " ? "pause" : null;
}

export const SHORTCUTS: readonly (readonly [keys: readonly string[], meaning: string])[] = [
  [["↑", "↓"], "Move through the events (also k and j, Page Up and Page Down, Home and End)"],
  [["Enter"], "Open the event; once open, go into its fields"],
  [["Esc"], "Close the event, then let go of the selection and follow the newest"],
  [["/"], "Filter by topic"],
  [["Space", "p"], "Pause and resume"],
  [["c"], "Copy the opened event's raw message"],
  [["x"], "Clear the list"],
  [["?"], "This help"],
];
