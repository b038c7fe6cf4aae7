// What the figures of the log mean, in sentences. Each state has a name of its own: colour only repeats it.

import { byteSize, count, plural } from "../text";
import type { DamagedRange, LogStatus, SpaceState } from "./log_status";
import type { Failure } from "./log_watch";

export type Level = "good" | "warn" | "bad";

export interface Words {
  level: Level;
  name: string;
  meaning: string;
}

const SPACE: Record<SpaceState, Words> = {
  ok: { level: "good", name: "Enough room", meaning: "New messages are taken." },
  low: { level: "warn", name: "Low", meaning: "Make room soon. New messages are still taken." },
  full: { level: "bad", name: "Full", meaning: "New messages are refused until space returns. Reading goes on." },
};

export const spaceWords = (state: SpaceState): Words => SPACE[state];

// Beyond this the server delays each commit, the longer the less is left.
const JOURNAL_SLOWS = 2 / 3;

export function journalWords(used: number): Words {
  if (used <= JOURNAL_SLOWS) return { level: "good", name: "Enough room", meaning: "Checkpoints make room in it as it fills." };
  return { level: "warn", name: "Filling", meaning: "Senders are slowed down until a checkpoint has made room." };
}

export const percentUsed = (used: number): string => `${Math.round(Math.min(1, Math.max(0, used)) * 100)} %`;

const hidesRecords = ({ firstOffset, lastOffset }: DamagedRange): boolean => lastOffset >= firstOffset;

export function offsetsOf(range: DamagedRange): string {
  if (!hidesRecords(range)) return "none";
  if (range.firstOffset === range.lastOffset) return count(range.firstOffset);
  return `${count(range.firstOffset)} to ${count(range.lastOffset)}`;
}

export function bytesOf({ byte, bytes }: DamagedRange): string {
  return `${plural(bytes, "byte")} from ${count(byte)}`;
}

// A file's path below the data directory.
export function shortPath(file: string, directory: string): string {
  return file.startsWith(`${directory}/`) ? file.slice(directory.length + 1) : file;
}

export function whatToDo(damage: readonly DamagedRange[]): string {
  return damage.some(hidesRecords)
    ? "Read docs/repair.md. These records cannot be read; all others can."
    : "Read docs/repair.md. Every record can still be read.";
}

export function noDamage({ rounds }: LogStatus["scrub"]): string {
  if (rounds === 0) return "Nothing is known to be damaged, but no round of the scrub has ended yet.";
  return `No damage found in ${plural(rounds, "round")}.`;
}

export function scrubWords({ rounds, bytes }: LogStatus["scrub"]): string {
  if (rounds > 0) return "All that is stored is read and checked, over and over.";
  if (bytes > 0) return "The first round is under way: all that is stored is read and checked.";
  return "Nothing was checked yet. The scrub is off when log.scrub_bytes_per_second is 0.";
}

export interface Warning {
  key: "space" | "damage";
  level: Level;
  text: string; // Has no figures: it changes, and is told, only when the state does.
  figures: string;
}

function spaceWarning({ state, usedPercent, freeBytes }: LogStatus["space"]): Warning[] {
  const figures = `${usedPercent} % used, ${byteSize(freeBytes)} free`;
  switch (state) {
    case "ok":
      return [];
    case "low":
      return [{ key: "space", level: "warn", text: "Disk space is low: make room soon, new messages are still taken.", figures }];
    case "full":
      return [{ key: "space", level: "bad", text: "Disk full: new messages are refused until space returns.", figures }];
  }
}

function damageWarning({ damage, damagedRanges }: LogStatus): Warning[] {
  if (damage.length === 0) return [];
  const text = damage.some(hidesRecords)
    ? "Stored records are damaged: those cannot be read, all others can."
    : "Stored files are damaged: every record can still be read.";
  return [{ key: "damage", level: "bad", text, figures: plural(damagedRanges, "damaged range") }];
}

export function warningsOf(status: LogStatus | null): Warning[] {
  return status ? [...spaceWarning(status.space), ...damageWarning(status)] : [];
}

export function failureWords(failure: Failure): Words {
  switch (failure.kind) {
    case "unreachable":
      return { level: "bad", name: "The server does not answer.", meaning: "This page keeps asking." };
    case "forbidden":
      return {
        level: "warn",
        name: "The server does not tell this to you.",
        meaning: "It tells the state of its storage only to a browser on its own machine, and through no proxy. The other pages are not affected.",
      };
    case "missing":
      return {
        level: "warn",
        name: "This server does not tell the state of its storage.",
        meaning: "It is of another version than this page. The other pages are not affected.",
      };
    case "status":
      return { level: "bad", name: `The server answered with status ${failure.status}.`, meaning: "Its log lines say why. This page keeps asking." };
    case "unreadable":
      return {
        level: "bad",
        name: "The server's answer cannot be understood.",
        meaning: "Server and page may be of different versions: load the page again.",
      };
  }
}
