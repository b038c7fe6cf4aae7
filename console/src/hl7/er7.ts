// The raw message cut into tokens for display: what is a delimiter, what is a value, and to which field it belongs.
//
// This is no parser of HL7 (the server's is, and its result is shown beside the raw message): it only knows where the
// delimiters are. Bounded by the limits below, because a message may have 16 MiB.

import { clip } from "../text";

export const SEGMENTS_MAX = 1_000;
export const TOKENS_MAX = 20_000;
export const VALUE_CHARACTERS_MAX = 2_000;

export type TokenKind = "id" | "delimiter" | "value" | "escape" | "rest";

// field 0 is the segment's name; repetition and component count from 1, and are 0 for the delimiter between fields.
export interface Token {
  kind: TokenKind;
  text: string;
  field: number;
  repetition: number;
  component: number;
}

export interface RawSegment {
  id: string;
  tokens: Token[];
}

export interface RawMessage {
  segments: RawSegment[];
  segmentsLeftOut: number;
}

interface Delimiters {
  field: string;
  component: string;
  repetition: string;
  escape: string;
  subcomponent: string;
}

const USUAL: Delimiters = { field: "|", component: "^", repetition: "~", escape: "\\", subcomponent: "&" };
const HEADERS = new Set(["MSH", "FHS", "BHS"]);

function delimitersOf(line: string): Delimiters {
  const field = line[3] ?? USUAL.field;
  const [component, repetition, escape, subcomponent] = (line.slice(4).split(field)[0] ?? "").split("");
  return {
    field,
    component: component ?? USUAL.component,
    repetition: repetition ?? USUAL.repetition,
    escape: escape ?? USUAL.escape,
    subcomponent: subcomponent ?? USUAL.subcomponent,
  };
}

class Cutter {
  readonly tokens: Token[] = [];
  private field = 0;
  private repetition = 0;
  private component = 0;

  constructor(
    private readonly delimiters: Delimiters,
    private budget: number,
  ) {}

  push(kind: TokenKind, text: string): void {
    if (text === "" || this.budget <= 0) return;
    if (--this.budget === 0) {
      this.tokens.push({ kind: "rest", text: "… not shown", field: 0, repetition: 0, component: 0 });
      return;
    }
    this.tokens.push({ kind, text, field: this.field, repetition: this.repetition, component: this.component });
  }

  at(field: number, repetition: number, component: number): void {
    this.field = field;
    this.repetition = repetition;
    this.component = component;
  }

  fieldText(field: number, text: string): void {
    text.split(this.delimiters.repetition).forEach((repetition, r) => {
      this.at(field, r + 1, 0);
      if (r > 0) this.push("delimiter", this.delimiters.repetition);
      repetition.split(this.delimiters.component).forEach((component, c) => {
        this.at(field, r + 1, c + 1);
        if (c > 0) this.push("delimiter", this.delimiters.component);
        component.split(this.delimiters.subcomponent).forEach((subcomponent, s) => {
          if (s > 0) this.push("delimiter", this.delimiters.subcomponent);
          this.value(subcomponent);
        });
      });
    });
  }

  private value(text: string): void {
    const { text: shown, rest } = clip(text, VALUE_CHARACTERS_MAX);
    const { escape } = this.delimiters;
    let from = 0;
    while (from < shown.length) {
      const start = shown.indexOf(escape, from);
      const end = start < 0 ? -1 : shown.indexOf(escape, start + 1);
      if (end < 0) break;
      this.push("value", shown.slice(from, start));
      this.push("escape", shown.slice(start, end + 1));
      from = end + 1;
    }
    this.push("value", shown.slice(from));
    if (rest > 0) this.push("rest", ` … ${rest.toLocaleString("en-US")} more characters`);
  }
}

function cutSegment(line: string, delimiters: Delimiters, budget: number): RawSegment {
  const cutter = new Cutter(delimiters, budget);
  const fields = line.split(delimiters.field);
  const id = clip(fields[0] ?? "", 16).text;
  cutter.at(0, 0, 0);
  cutter.push("id", id);
  // In a header segment the first delimiter is a field itself, and the second field holds the others.
  const header = HEADERS.has(id);
  for (let i = 1; i < fields.length; i++) {
    cutter.at(header && i === 1 ? 1 : 0, 0, 0);
    cutter.push("delimiter", delimiters.field);
    if (header && i === 1) {
      cutter.at(2, 1, 1);
      cutter.push("delimiter", fields[i]!);
    } else {
      cutter.fieldText(header ? i + 1 : i, fields[i]!);
    }
  }
  return { id, tokens: cutter.tokens };
}

export function cutMessage(raw: string): RawMessage {
  const lines = raw.replace(/^\ufeff/, "").split(/\r\n|\r|\n/).filter((line) => line !== "");
  const segments: RawSegment[] = [];
  let delimiters = USUAL;
  let budget = TOKENS_MAX;
  for (const line of lines) {
    if (segments.length === SEGMENTS_MAX || budget <= 0) break;
    if (HEADERS.has(line.slice(0, 3)) && line.length > 3) delimiters = delimitersOf(line);
    const segment = cutSegment(line, delimiters, budget);
    budget -= segment.tokens.length;
    segments.push(segment);
  }
  return { segments, segmentsLeftOut: lines.length - segments.length };
}
