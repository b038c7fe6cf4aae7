// The list, newest first. Only the rows in sight exist: the cost of drawing does not depend on how many there are.
//
// At its top and with nothing selected it follows what arrives. Otherwise what is looked at stays where it is, and new
// rows gather above.

import { memo, useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import { eventName } from "../hl7/names";
import { clockTime, count, visible } from "../text";
import type { LiveEvent } from "./event";
import { UpIcon } from "./icons";
import { indexOf } from "./state";

const ROW_PX = 30;
const ROW_NARROW_PX = 54;
const OVERSCAN = 6;

interface Props {
  events: readonly LiveEvent[]; // Oldest first.
  selected: number | null; // A seq.
  opened: number | null;
  narrow: boolean;
  list: RefObject<HTMLDivElement | null>;
  onSelect: (seq: number) => void;
  onOpen: (seq: number) => void;
  onTop: () => void;
}

const FAMILIES: Record<string, string> = {
  ADT: "visit", ORU: "result", ORM: "order", OML: "order", ORC: "order", RDE: "order", RDS: "order", OMP: "order",
  SIU: "schedule", MDM: "document", VXU: "document",
};

export function familyOf(event: LiveEvent): string {
  if (event.topic === "hl7.errors") return "error";
  const type = event.headers.get("type") ?? "";
  return Object.hasOwn(FAMILIES, type) ? FAMILIES[type]! : "plain";
}

export function typeOf(event: LiveEvent): string {
  const type = event.headers.get("type");
  const trigger = event.headers.get("trigger");
  if (event.topic === "hl7.errors") return "error";
  if (!type) return "event";
  return trigger ? `${type}^${trigger}` : type;
}

const Row = memo(function Row({ event, top, height, selected, opened, now, total, position }: {
  event: LiveEvent;
  top: number;
  height: number;
  selected: boolean;
  opened: boolean;
  now: string; // Today's date, so that rows are drawn anew when it changes.
  total: number;
  position: number;
}) {
  const { headers } = event;
  const words = eventName(headers.get("type") ?? "", headers.get("trigger") ?? "");
  const time = new Date(event.receivedAt);
  return (
    <div
      id={`event-${event.seq}`}
      data-seq={event.seq}
      role="option"
      aria-selected={selected}
      aria-setsize={total}
      aria-posinset={position}
      className={`row${selected ? " selected" : ""}${opened ? " opened" : ""}`}
      style={{ transform: `translateY(${top}px)`, height }}
    >
      <span className="cell time">{clockTime(time, new Date(now))}</span>
      <span className="cell type">
        <span className={`badge ${familyOf(event)}`}>{visible(typeOf(event))}</span>
      </span>
      <span className="cell words">{words || <span className="faint">{event.topic === "hl7.errors" ? "Could not be parsed" : "–"}</span>}</span>
      <span className="cell topic-cell">{visible(event.topic)}</span>
      <span className="cell key">{event.key === null ? <span className="faint">–</span> : visible(event.key)}</span>
      <span className="cell facility">{visible(headers.get("facility") ?? "")}</span>
      <span className="cell control">{visible(headers.get("control-id") ?? "")}</span>
      <span className="cell position">
        {event.partition}:{event.offset}
      </span>
    </div>
  );
});

function useViewport(list: RefObject<HTMLDivElement | null>) {
  const [height, setHeight] = useState(600);
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, [list]);
  return height;
}

export function EventList({ events, selected, opened, narrow, list, onSelect, onOpen, onTop }: Props) {
  const rowPx = narrow ? ROW_NARROW_PX : ROW_PX;
  const height = useViewport(list);
  const [scroll, setScroll] = useState(0);
  const newest = events.at(-1)?.seq ?? 0;
  const newestBefore = useRef(newest);

  // New rows above: move with them, in the same frame.
  useLayoutEffect(() => {
    const element = list.current;
    const before = newestBefore.current;
    newestBefore.current = newest;
    if (!element || newest === before) return;
    if (element.scrollTop < 1 && selected === null) return;
    const at = indexOf(events, before);
    const added = at < 0 ? 0 : events.length - 1 - at;
    if (added <= 0) return;
    element.scrollTop += added * rowPx;
    setScroll(element.scrollTop);
  }, [newest, events, selected, rowPx, list]);

  // The selected row is in sight whenever the selection moves.
  useLayoutEffect(() => {
    const element = list.current;
    if (!element || selected === null) return;
    const at = indexOf(events, selected);
    if (at < 0) return;
    const top = (events.length - 1 - at) * rowPx;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowPx > element.scrollTop + element.clientHeight) element.scrollTop = top + rowPx - element.clientHeight;
    setScroll(element.scrollTop);
    // Not when events arrive: that would take the list away from who scrolls.
    // height: a detail that opens below must not hide the row.
  }, [selected, rowPx, list, height]);

  useEffect(() => {
    if (events.length === 0) setScroll(0);
  }, [events.length]);

  const seqAt = useCallback((target: EventTarget) => {
    const row = target instanceof Element ? target.closest<HTMLElement>("[data-seq]") : null;
    return row ? Number(row.dataset["seq"]) : null;
  }, []);

  const first = Math.max(0, Math.floor(scroll / rowPx) - OVERSCAN);
  const last = Math.min(events.length, Math.ceil((scroll + height) / rowPx) + OVERSCAN);
  const today = new Date().toDateString();
  const rows = [];
  for (let i = first; i < last; i++) {
    const event = events[events.length - 1 - i]!;
    rows.push(
      <Row
        key={event.seq}
        event={event}
        top={i * rowPx}
        height={rowPx}
        selected={event.seq === selected}
        opened={event.seq === opened}
        now={today}
        total={events.length}
        position={i + 1}
      />,
    );
  }
  const above = Math.floor(scroll / rowPx);
  const inSight = selected !== null && indexOf(events, selected) >= 0;
  return (
    <section className="list" aria-label="Events">
      <div className="row head" aria-hidden="true">
        {["Received", "Type", "Event", "Topic", "Key", "Facility", "Control ID", "Position"].map((name) => (
          <span key={name} className="cell">
            {name}
          </span>
        ))}
      </div>
      <div
        ref={list}
        className="rows"
        role="listbox"
        tabIndex={0}
        aria-label="Events, newest first"
        aria-activedescendant={inSight ? `event-${selected}` : undefined}
        data-place="list"
        onScroll={(scrolled) => setScroll(scrolled.currentTarget.scrollTop)}
        onClick={(click) => {
          const seq = seqAt(click.target);
          if (seq !== null) onOpen(seq);
        }}
        onFocus={() => {
          if (selected === null && events.length > 0 && list.current?.matches(":focus-visible")) onSelect(newest);
        }}
      >
        <div className="rows-space" style={{ height: events.length * rowPx }}>
          {rows}
        </div>
      </div>
      {above > 0 && (
        <button type="button" className="to-top" onClick={onTop}>
          <UpIcon /> {count(above)} newer
        </button>
      )}
    </section>
  );
}
