// What of the page is in its address: the topic pattern and how far back. The part after "#" never leaves the browser.

import { DEFAULT_PATTERN, isPattern } from "./pattern";

export const STARTS = ["15m", "24h", "earliest", "now"] as const;
export type Start = (typeof STARTS)[number];

export const START_NAMES: Record<Start, string> = {
  "15m": "last 15 min",
  "24h": "last 24 h",
  earliest: "all kept",
  now: "only new",
};

export interface View {
  pattern: string;
  start: Start;
}

const MINUTES: Partial<Record<Start, number>> = { "15m": 15, "24h": 24 * 60 };

// What the stream is asked for.
export function fromParameter(start: Start, nowMs: number): string {
  const minutes = MINUTES[start];
  return minutes === undefined ? start : new Date(nowMs - minutes * 60_000).toISOString();
}

export function readView(hash: string): View {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const pattern = values.get("topic") ?? "";
  const start = STARTS.find((known) => known === values.get("since"));
  return { pattern: isPattern(pattern) ? pattern : DEFAULT_PATTERN, start: start ?? "15m" };
}

export function writeView({ pattern, start }: View): string {
  const values = new URLSearchParams();
  if (pattern !== DEFAULT_PATTERN) values.set("topic", pattern);
  if (start !== "15m") values.set("since", start);
  return values.size === 0 ? "" : `#${values.toString()}`;
}
