// The server's parsed message as rows for display.

import type { ParsedField, ParsedSegment, Subcomponent } from "../live/event";
import { componentName, fieldName } from "./names";

export const ROWS_MAX = 5_000;

// component 0 is the whole field (repetition 0) or nothing smaller than it.
export interface FieldRow {
  field: number;
  repetition: number;
  component: number;
  label: string; // "PID-3", "PID-3.1", "PID-3[2].1".
  name: string; // "Patient identifiers", or empty where it has none here.
  value: Subcomponent[] | null; // One entry a subcomponent; null: the row is a heading.
}

export interface SegmentRows {
  id: string;
  rows: FieldRow[];
}

export interface Tree {
  segments: SegmentRows[];
  complete: boolean;
}

const isEmpty = (component: Subcomponent[]) => component.every((value) => value === "");

function rowsOfField(id: string, { number, repetitions }: ParsedField): FieldRow[] {
  const label = `${id}-${number}`;
  const whole = { field: number, repetition: 0, component: 0, label, name: fieldName(id, number) };
  if (repetitions === null) return [{ ...whole, value: [null] }];
  const only = repetitions.length === 1 ? repetitions[0]! : null;
  if (only && only.length === 1) return [{ ...whole, value: only[0]! }];
  const rows: FieldRow[] = [{ ...whole, value: null }];
  repetitions.forEach((repetition, r) => {
    const prefix = repetitions.length > 1 ? `${label}[${r + 1}]` : label;
    repetition.forEach((component, c) => {
      if (isEmpty(component)) return;
      const single = repetition.length === 1;
      rows.push({
        field: number,
        repetition: r + 1,
        component: c + 1,
        label: single ? prefix : `${prefix}.${c + 1}`,
        name: single ? "" : componentName(id, number, c + 1),
        value: component,
      });
    });
  });
  return rows;
}

export function treeOf(segments: readonly ParsedSegment[]): Tree {
  const found: SegmentRows[] = [];
  let left = ROWS_MAX;
  for (const { id, fields } of segments) {
    const rows: FieldRow[] = [];
    for (const field of fields) {
      if (left <= 0) break;
      const added = rowsOfField(id, field).slice(0, left);
      left -= added.length;
      rows.push(...added);
    }
    found.push({ id, rows });
    if (--left <= 0) return { segments: found, complete: false };
  }
  return { segments: found, complete: true };
}
