// The message as the server parsed it: segments, fields, and components where there are several.

import { memo, useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { VALUE_CHARACTERS_MAX } from "../hl7/er7";
import { segmentName } from "../hl7/names";
import type { FieldRow, SegmentRows, Tree } from "../hl7/tree";
import { clip, count, visible } from "../text";
import type { Subcomponent } from "./event";
import { lightOf, sameSpot, spotAt, spotName, type Light, type Spot } from "./spot";

function Value({ value }: { value: Subcomponent[] }) {
  return value.map((subcomponent, i) => {
    if (subcomponent === null) {
      return (
        <span key={i} className="hl7-null" title='HL7 null (""): the receiver deletes its value'>
          null
        </span>
      );
    }
    const { text, rest } = clip(subcomponent, VALUE_CHARACTERS_MAX);
    return (
      <span key={i}>
        {i > 0 && <span className="t-delimiter"> & </span>}
        {visible(text)}
        {rest > 0 && <span className="faint"> … {count(rest)} more characters</span>}
      </span>
    );
  });
}

const Row = memo(function Row({ id, name, row, light, current }: { id: string; name: string; row: FieldRow; light: string; current: boolean }) {
  const depth = row.component === 0 ? "" : " part";
  return (
    <div
      id={id}
      role="treeitem"
      aria-level={row.component === 0 ? 2 : 3}
      aria-selected={current}
      className={`field${depth}${light === "none" ? "" : ` lit-${light}`}${current ? " current" : ""}`}
      data-spot={name}
    >
      <span className="field-label">{row.label}</span>
      <span className="field-name">{row.name}</span>
      <span className="field-value">{row.value && <Value value={row.value} />}</span>
    </div>
  );
});

const Segment = memo(function Segment({ segment, index, spot, current }: { segment: SegmentRows; index: number; spot: Spot | null; current: number | null }) {
  return (
    <div className="segment">
      <div className="segment-head" role="treeitem" aria-level={1} aria-selected={false}>
        <span className="t-id">{visible(segment.id)}</span>
        <span>{segmentName(segment.id)}</span>
      </div>
      {segment.rows.map((row, i) => {
        const name = spotName(index, row);
        return <Row key={name} id={`field-${index}-${i}`} name={name} row={row} light={lightOfRow(row, spot)} current={current === i} />;
      })}
    </div>
  );
});

// A field with a single value is what its only component is.
function lightOfRow(row: FieldRow, spot: Spot | null): Light {
  const light = lightOf(row, spot);
  return light === "field" && row.component === 0 && row.value ? "exact" : light;
}

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -Infinity, End: Infinity };

export function ParsedView({ tree, spot, onSpot }: { tree: Tree; spot: Spot | null; onSpot: (spot: Spot | null) => void }) {
  const view = useRef<HTMLDivElement>(null);
  const places = useMemo(() => tree.segments.flatMap(({ rows }, s) => rows.map((row, r) => ({ s, r, row }))), [tree]);
  const [at, setAt] = useState<number | null>(null); // Of places; moved by keys only.
  const current = at === null ? undefined : places[at];

  useEffect(() => {
    if (spot?.from === "raw") view.current?.querySelector(".lit-exact, .lit-field")?.scrollIntoView({ block: "nearest" });
  }, [spot]);

  const go = (to: number) => {
    const place = places[to];
    if (!place) return;
    setAt(to);
    onSpot({ segment: place.s, field: place.row.field, repetition: place.row.repetition, component: place.row.component, from: "parsed" });
    document.getElementById(`field-${place.s}-${place.r}`)?.scrollIntoView({ block: "nearest" });
  };

  const onKeyDown = (key: KeyboardEvent) => {
    const step = Object.hasOwn(STEPS, key.key) ? STEPS[key.key] : undefined;
    if (step === undefined || key.ctrlKey || key.altKey || key.metaKey) return;
    key.preventDefault();
    go(Math.min(places.length - 1, Math.max(0, at === null ? 0 : at + step)));
  };

  return (
    <div
      ref={view}
      className="parsed"
      role="tree"
      tabIndex={0}
      aria-label="Parsed message"
      aria-activedescendant={current ? `field-${current.s}-${current.r}` : undefined}
      data-place="fields"
      data-testid="parsed"
      onKeyDown={onKeyDown}
      onFocus={() => {
        if (at === null && view.current?.matches(":focus-visible")) go(0);
      }}
      onBlur={() => {
        setAt(null);
        onSpot(null);
      }}
      // Not pointerover: it also comes when the content scrolls under a resting pointer.
      onPointerMove={(pointer) => {
        const next = spotAt(pointer.target, "parsed");
        if (!sameSpot(next, spot)) onSpot(next);
      }}
      onPointerLeave={() => onSpot(null)}
    >
      {tree.segments.map((segment, i) => (
        <Segment
          key={i}
          segment={segment}
          index={i}
          spot={spot?.segment === i ? spot : null}
          current={current?.s === i ? current.r : null}
        />
      ))}
      {!tree.complete && <p className="none">More fields are not shown.</p>}
    </div>
  );
}
