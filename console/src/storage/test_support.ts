// A status as the server gives it, for tests.

import { readLogStatus, type DamagedRange, type LogStatus } from "./log_status";

export const answer = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  damagedRanges: Array.isArray(changes["damage"]) ? changes["damage"].length : 0,
  directory: "/srv/myelin",
  format: 2,
  start: 3,
  commit: 1204,
  space: { state: "ok", usedPercent: 41, freeBytes: 3 * 2 ** 30, totalBytes: 5 * 2 ** 30 },
  journalUsed: 0.25,
  checkpoints: 7,
  retention: { removedRecords: 0, removedBytes: 0, removedFiles: 0 },
  compaction: { passes: 0, removedRecords: 0, readBytes: 0, writtenBytes: 0 },
  scrub: { rounds: 2, bytes: 4096, lastRound: "2026-03-04T05:06:07.000Z" },
  damage: [],
  ...changes,
});

export const space = (state: string, usedPercent: number) => ({ state, usedPercent, freeBytes: 2 ** 30, totalBytes: 5 * 2 ** 30 });

export const range = (changes: Partial<DamagedRange> = {}): DamagedRange => ({
  topic: "hl7.adt.a01",
  partition: 0,
  file: "/srv/myelin/topics/hl7.adt.a01-0/00000000000000000000.log",
  byte: 4096,
  bytes: 512,
  firstOffset: 7,
  lastOffset: 9,
  what: "its checksum does not match",
  ...changes,
});

export function status(changes: Record<string, unknown> = {}): LogStatus {
  const read = readLogStatus(answer(changes));
  if (!read) throw new Error("not a status");
  return read;
}
