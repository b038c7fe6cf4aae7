// Events as the server sends them. Every byte is a peer's: nothing is believed to have the form that it should have.

export interface EventSummary {
  topic: string;
  partition: number;
  offset: number;
  receivedAt: string;
  key: string | null;
  headers: ReadonlyMap<string, string>;
}

// One event of the list. The text stays as it came and is parsed again when the event is opened: a tree takes several
// times the memory of its text.
export interface LiveEvent extends EventSummary {
  seq: number; // Rises by arrival; the event's name on this page.
  id: string; // The server's cursor.
  data: string;
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export type Subcomponent = string | null; // null is HL7's null.
export interface ParsedField {
  number: number;
  repetitions: Subcomponent[][][] | null; // null: HL7's null for the whole field.
}
export interface ParsedSegment {
  id: string;
  fields: ParsedField[];
}

export interface Deviation {
  location: string;
  code: string;
}
export interface Trouble {
  reason: string;
  location: string;
  detail: string;
}

const DEVIATIONS_MAX = 100;

// What an opened event shows.
export interface EventContent {
  summary: EventSummary;
  metadata: ReadonlyMap<string, string>;
  raw: string | null;
  rawIsBinary: boolean; // No UTF-8: each byte is shown as a character of ISO 8859-1.
  segments: ParsedSegment[] | null;
  trouble: Trouble | null; // Why a message could not be parsed.
  deviations: Deviation[]; // What the message does otherwise than the standard says.
  deviationsLeftOut: number;
  tooLargeToParse: boolean;
  other: string | null; // Neither raw nor segments: the value as indented JSON, or as base64.
}

function object(json: Json | undefined): { [name: string]: Json } | null {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? json : null;
}

const text = (json: Json | undefined) => (typeof json === "string" ? json : null);
const number = (json: Json | undefined) => (typeof json === "number" && Number.isFinite(json) ? json : 0);

function strings(json: Json | undefined): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(object(json) ?? {})) {
    if (typeof value === "string") found.set(name, value);
    else if (value !== null) found.set(name, JSON.stringify(value));
  }
  return found;
}

function decode(data: string): { [name: string]: Json } | null {
  try {
    return object(JSON.parse(data) as Json);
  } catch {
    return null;
  }
}

function summaryOf(event: { [name: string]: Json }): EventSummary | null {
  const topic = text(event["topic"]);
  if (topic === null) return null;
  return {
    topic,
    partition: number(event["partition"]),
    offset: number(event["offset"]),
    receivedAt: text(event["receivedAt"]) ?? "",
    key: text(event["key"]) ?? (typeof event["keyBase64"] === "string" ? `base64:${event["keyBase64"]}` : null),
    headers: strings(event["headers"]),
  };
}

export function parseSummary(data: string): EventSummary | null {
  const event = decode(data);
  return event && summaryOf(event);
}

interface RawText {
  raw: string | null;
  rawIsBinary: boolean;
}

// Base64 stands for bytes that are no UTF-8, but also for text that would have grown too long.
function decodeRaw(base64: string | null): RawText {
  if (base64 === null) return { raw: null, rawIsBinary: false };
  try {
    const latin1 = atob(base64);
    try {
      const bytes = Uint8Array.from(latin1, (character) => character.charCodeAt(0));
      return { raw: new TextDecoder("utf-8", { fatal: true }).decode(bytes), rawIsBinary: false };
    } catch {
      return { raw: latin1, rawIsBinary: true };
    }
  } catch {
    return { raw: null, rawIsBinary: false };
  }
}

function parseDeviations(payload: { [name: string]: Json } | null): Pick<EventContent, "deviations" | "deviationsLeftOut"> {
  const list = payload?.["deviations"];
  const all = Array.isArray(list) ? list : [];
  const deviations = all.slice(0, DEVIATIONS_MAX).map((entry) => {
    const deviation = object(entry);
    return { location: text(deviation?.["location"]) ?? "", code: text(deviation?.["code"]) ?? "" };
  });
  return { deviations, deviationsLeftOut: all.length - deviations.length + number(payload?.["deviationsOmitted"]) };
}

function parseTrouble(payload: { [name: string]: Json } | null): Trouble | null {
  const reason = text(payload?.["reason"]);
  if (reason === null) return null;
  return { reason, location: text(payload?.["location"]) ?? "", detail: text(payload?.["detail"]) ?? "" };
}

function parseRepetitions(json: Json): Subcomponent[][][] | null {
  if (json === null) return null;
  const leaf = (value: Json): Subcomponent => (value === null || typeof value === "string" ? value : JSON.stringify(value));
  const list = (value: Json): Json[] => (Array.isArray(value) ? value : [value]);
  return list(json).map((repetition) => list(repetition).map((component) => list(component).map(leaf)));
}

function parseSegments(json: Json | undefined): ParsedSegment[] | null {
  if (!Array.isArray(json)) return null;
  return json.map((entry) => {
    const segment = object(entry);
    const fields = Object.entries(object(segment?.["fields"]) ?? {})
      .map(([name, value]) => ({ number: Number(name), repetitions: parseRepetitions(value) }))
      .filter((field) => Number.isInteger(field.number) && field.number > 0)
      .sort((a, b) => a.number - b.number);
    return { id: text(segment?.["id"]) ?? "?", fields };
  });
}

export function parseContent(data: string): EventContent | null {
  const event = decode(data);
  const summary = event && summaryOf(event);
  if (!event || !summary) return null;
  const value = object(event["value"]);
  const payload = object(value?.["payload"]);
  const utf8 = text(payload?.["raw"]);
  const { raw, rawIsBinary } = utf8 === null ? decodeRaw(text(payload?.["rawBase64"])) : { raw: utf8, rawIsBinary: false };
  const segments = parseSegments(object(payload?.["message"])?.["segments"]);
  let other: string | null = null;
  if (raw === null && segments === null) {
    other = text(event["valueBase64"]) ?? JSON.stringify(event["value"] ?? null, null, 2);
  }
  return {
    summary,
    metadata: strings(value?.["metadata"]),
    raw,
    rawIsBinary,
    segments,
    trouble: parseTrouble(payload),
    ...parseDeviations(payload),
    tooLargeToParse: text(payload?.["messageOmitted"]) !== null,
    other,
  };
}
