// What the page knows, and how it changes: pure functions from a state to the next.
//
// Bounded whatever arrives: the newest EVENTS_MAX events or CHARACTERS_MAX of their text, the same again while paused,
// TOPICS_MAX topics, NOTICES_MAX notices.

import { matches } from "./pattern";
import type { LiveEvent } from "./event";

export const EVENTS_MAX = 2_000;
export const CHARACTERS_MAX = 64 * 1024 * 1024;
export const TOPICS_MAX = 500;
export const NOTICES_MAX = 3;

export type Connection = "connecting" | "live" | "reconnecting" | "refused";

export interface Notice {
  id: number;
  kind: "gap" | "failure";
  text: string;
  times: number;
}

export interface LiveState {
  events: readonly LiveEvent[]; // Oldest first.
  waiting: readonly LiveEvent[]; // Arrived while paused, oldest first.
  waitingCount: number; // All that arrived while paused, also what `waiting` no longer holds.
  paused: boolean;
  received: number; // Since this stream was opened.
  topics: ReadonlyMap<string, number>; // Events received, by topic.
  notices: readonly Notice[]; // Oldest first.
  connection: Connection;
}

export const INITIAL: LiveState = {
  events: [],
  waiting: [],
  waitingCount: 0,
  paused: false,
  received: 0,
  topics: new Map(),
  notices: [],
  connection: "connecting",
};

// The newest of both that fit; the newest one always does.
export function keepNewest(older: readonly LiveEvent[], newer: readonly LiveEvent[]): readonly LiveEvent[] {
  const all = newer.length >= EVENTS_MAX ? newer.slice(-EVENTS_MAX) : [...older.slice(newer.length - EVENTS_MAX), ...newer];
  let characters = 0;
  for (let i = all.length - 1; i >= 0; i--) {
    characters += all[i]!.data.length;
    if (characters > CHARACTERS_MAX) return all.slice(Math.min(i + 1, all.length - 1));
  }
  return all;
}

function countTopics(topics: ReadonlyMap<string, number>, batch: readonly LiveEvent[]): ReadonlyMap<string, number> {
  const counts = new Map(topics);
  for (const { topic } of batch) {
    const before = counts.get(topic);
    if (before !== undefined || counts.size < TOPICS_MAX) counts.set(topic, (before ?? 0) + 1);
  }
  return counts;
}

// `left_out`: events that arrived and were dropped before this, because the page could not keep up with drawing.
export function arrive(state: LiveState, batch: readonly LiveEvent[], leftOut = 0): LiveState {
  if (batch.length === 0) return state;
  const received = state.received + batch.length + leftOut;
  const topics = countTopics(state.topics, batch);
  if (state.paused) {
    const waitingCount = state.waitingCount + batch.length + leftOut;
    return { ...state, received, topics, waiting: keepNewest(state.waiting, batch), waitingCount };
  }
  return { ...state, received, topics, events: keepNewest(state.events, batch) };
}

export function pause(state: LiveState): LiveState {
  return state.paused ? state : { ...state, paused: true };
}

export function resume(state: LiveState): LiveState {
  if (!state.paused) return state;
  return { ...state, paused: false, events: keepNewest(state.events, state.waiting), waiting: [], waitingCount: 0 };
}

export function clear(state: LiveState): LiveState {
  return { ...state, events: [], waiting: [], waitingCount: 0 };
}

// A new stream for another pattern begins. The topics that it covers are counted anew, since it sends them again; the
// others keep their counts, so that they can be gone back to.
export function restart(state: LiveState, pattern: string): LiveState {
  const topics = new Map([...state.topics].map(([topic, count]) => [topic, matches(pattern, topic) ? 0 : count]));
  return { ...INITIAL, paused: state.paused, topics };
}

export function connection(state: LiveState, next: Connection): LiveState {
  return state.connection === next ? state : { ...state, connection: next };
}

// The same notice again is counted, not repeated.
export function notice(state: LiveState, kind: Notice["kind"], text: string): LiveState {
  const last = state.notices.at(-1);
  if (last && last.kind === kind && last.text === text) {
    return { ...state, notices: [...state.notices.slice(0, -1), { ...last, times: last.times + 1 }] };
  }
  const added = { id: (last?.id ?? 0) + 1, kind, text, times: 1 };
  return { ...state, notices: [...state.notices, added].slice(-NOTICES_MAX) };
}

export function dismiss(state: LiveState, id: number): LiveState {
  return { ...state, notices: state.notices.filter((entry) => entry.id !== id) };
}

// Where an event is in a list, by binary search; -1 when it is not there (any more).
export function indexOf(events: readonly LiveEvent[], seq: number): number {
  let low = 0;
  let high = events.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const at = events[middle]!.seq;
    if (at === seq) return middle;
    if (at < seq) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
