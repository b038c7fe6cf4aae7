// What the server tells of its durable log (GET /api/v1/admin/log), taken out of its answer with care: an answer of
// another version must not break the page.

export const DAMAGE_MAX = 1_000; // The server tells no more either.
const TEXT_MAX = 4_096;

export type SpaceState = "ok" | "low" | "full";

export interface DamagedRange {
  topic: string;
  partition: number;
  file: string;
  byte: number;
  bytes: number;
  firstOffset: number;
  lastOffset: number; // Below firstOffset: every record can be read all the same.
  what: string;
}

export interface LogStatus {
  directory: string;
  format: number;
  start: number; // How often the directory was opened.
  commit: number; // The last durable one.
  space: { state: SpaceState; usedPercent: number; freeBytes: number; totalBytes: number | null };
  journalUsed: number; // 0 to 1.
  checkpoints: number;
  retention: { removedRecords: number; removedBytes: number; removedFiles: number };
  compaction: { passes: number; removedRecords: number; readBytes: number; writtenBytes: number };
  scrub: { rounds: number; bytes: number; lastRound: Date | null };
  damagedRanges: number; // All of them, also those that are not listed.
  damage: readonly DamagedRange[];
}

// Thrown for what is not as agreed, caught by readLogStatus alone.
class Unexpected extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Unexpected();
  return value as Fields;
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Unexpected();
  return value;
}

function numberIfAny(fields: Fields, name: string): number | null {
  return fields[name] === undefined || fields[name] === null ? null : number(fields, name);
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw new Unexpected();
  return value.slice(0, TEXT_MAX);
}

// Numbers of an object, by name.
function numbers<Name extends string>(value: unknown, ...names: Name[]): Record<Name, number> {
  const fields = fieldsOf(value);
  return Object.fromEntries(names.map((name) => [name, number(fields, name)])) as Record<Name, number>;
}

function spaceOf(value: unknown): LogStatus["space"] {
  const fields = fieldsOf(value);
  const state = text(fields, "state");
  if (state !== "ok" && state !== "low" && state !== "full") throw new Unexpected();
  return { state, ...numbers(value, "usedPercent", "freeBytes"), totalBytes: numberIfAny(fields, "totalBytes") };
}

// The end of the last round; missing, null or empty before the first.
function timeOf(value: unknown): Date | null {
  if (value === undefined || value === null || value === "") return null;
  const time = new Date(typeof value === "number" ? value : String(value));
  if (Number.isNaN(time.getTime())) throw new Unexpected();
  return time.getTime() === 0 ? null : time;
}

function damageOf(value: unknown): DamagedRange {
  const fields = fieldsOf(value);
  return {
    topic: text(fields, "topic"),
    file: text(fields, "file"),
    what: text(fields, "what"),
    ...numbers(value, "partition", "byte", "bytes", "firstOffset", "lastOffset"),
  };
}

// Nothing when the answer is not what was agreed.
export function readLogStatus(value: unknown): LogStatus | null {
  try {
    const all = fieldsOf(value);
    if (!Array.isArray(all["damage"])) return null;
    const damage = all["damage"].slice(0, DAMAGE_MAX).map(damageOf);
    const scrub = fieldsOf(all["scrub"]);
    return {
      directory: text(all, "directory"),
      ...numbers(all, "format", "start", "commit", "journalUsed", "checkpoints"),
      space: spaceOf(all["space"]),
      retention: numbers(all["retention"], "removedRecords", "removedBytes", "removedFiles"),
      compaction: numbers(all["compaction"], "passes", "removedRecords", "readBytes", "writtenBytes"),
      scrub: { ...numbers(scrub, "rounds", "bytes"), lastRound: timeOf(scrub["lastRound"]) },
      damagedRanges: Math.max(damage.length, numberIfAny(all, "damagedRanges") ?? 0),
      damage,
    };
  } catch (error) {
    if (error instanceof Unexpected) return null;
    throw error;
  }
}
