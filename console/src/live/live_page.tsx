import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { View } from "./address";
import { copyText } from "./clipboard";
import { parseContent, type LiveEvent } from "./event";
import { EventDetail } from "./event_detail";
import { EventList } from "./event_list";
import { commandFor, type Command, type Place } from "./keyboard";
import { Notices } from "./notices";
import { DEFAULT_PATTERN } from "./pattern";
import { Shortcuts } from "./shortcuts";
import { indexOf } from "./state";
import type { LiveStore } from "./store";
import { Toolbar } from "./toolbar";
import { TopicList } from "./topic_list";
import { Welcome } from "./welcome";

const NARROW = "(max-width: 860px)";
const PAGE_ROWS = 15;

function useNarrow(): boolean {
  const query = useMemo(() => window.matchMedia(NARROW), []);
  const subscribe = useCallback(
    (changed: () => void) => {
      query.addEventListener("change", changed);
      return () => query.removeEventListener("change", changed);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => query.matches);
}

function placeOf(target: EventTarget | null): Place {
  if (!(target instanceof HTMLElement)) return "page";
  if (target.matches("input, select, textarea")) return "text";
  if (target.closest("button, a, summary")) return "button";
  return target.closest("[data-place='fields']") ? "fields" : "page";
}

// Where a move leads to, as an index from the newest.
function moved(command: Command, at: number, total: number): number | null {
  const steps: Partial<Record<Command, number>> = { next: 1, previous: -1, pageDown: PAGE_ROWS, pageUp: -PAGE_ROWS };
  const step = steps[command];
  if (command === "first") return 0;
  if (command === "last") return total - 1;
  if (step === undefined) return null;
  return at < 0 ? 0 : Math.min(total - 1, Math.max(0, at + step));
}

interface Props {
  store: LiveStore;
  view: View;
  help: boolean; // Whether the list of keys is open.
  onView: (view: View) => void;
  onHelp: (open: boolean) => void;
}

export function LivePage({ store, view, help, onView, onHelp }: Props) {
  const state = useSyncExternalStore(store.subscribe, store.snapshot);
  const broadPattern = useRef(DEFAULT_PATTERN);
  const [selected, setSelected] = useState<number | null>(null);
  const [opened, setOpened] = useState<LiveEvent | null>(null);
  const filter = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const detail = useRef<HTMLElement>(null);
  const narrow = useNarrow();

  // Another view is another list: nothing of it is selected.
  useEffect(() => {
    setSelected(null);
    setOpened(null);
  }, [view]);

  const pick = useCallback(
    (topic: string) => {
      if (view.pattern === topic) return onView({ ...view, pattern: broadPattern.current });
      if (view.pattern.includes("*")) broadPattern.current = view.pattern;
      onView({ ...view, pattern: topic });
    },
    [view, onView],
  );

  const open = useCallback(
    (seq: number) => {
      const at = indexOf(state.events, seq);
      if (at < 0) return;
      setSelected(seq);
      setOpened(state.events[at]!);
    },
    [state.events],
  );

  const toTop = useCallback(() => {
    if (!opened) setSelected(null);
    list.current?.scrollTo({ top: 0 });
    list.current?.focus();
  }, [opened]);

  const close = useCallback(() => {
    if (help) return onHelp(false);
    if (opened) {
      setOpened(null);
      list.current?.focus();
    } else if (selected !== null) {
      setSelected(null);
      list.current?.scrollTo({ top: 0 });
    }
  }, [help, opened, selected, onHelp]);

  const move = useCallback(
    (command: Command) => {
      const { events } = state;
      if (events.length === 0) return;
      const current = selected === null ? -1 : indexOf(events, selected);
      const next = moved(command, current < 0 ? -1 : events.length - 1 - current, events.length);
      if (next === null) return;
      const event = events[events.length - 1 - next]!;
      setSelected(event.seq);
      if (opened) setOpened(event);
      if (!opened || !narrow) list.current?.focus({ preventScroll: true });
    },
    [state, selected, opened, narrow],
  );

  const run = useCallback(
    (command: Command) => {
      switch (command) {
        case "open":
          if (opened) detail.current?.querySelector<HTMLElement>("[data-place='fields']")?.focus();
          else if (selected !== null) open(selected);
          break;
        case "close":
          return close();
        case "filter":
          filter.current?.focus();
          filter.current?.select();
          break;
        case "pause":
          return store.togglePause();
        case "clear":
          return clearList();
        case "copy": {
          const raw = opened && parseContent(opened.data)?.raw;
          if (raw) void copyText(raw);
          break;
        }
        case "help":
          return onHelp(true);
        default:
          return move(command);
      }
    },
    [opened, selected, open, close, store, move, onHelp],
  );

  function clearList() {
    setSelected(null);
    store.clear();
  }

  useEffect(() => {
    const onKey = (key: KeyboardEvent) => {
      if (key.defaultPrevented || (help && key.key !== "Escape")) return;
      const command = commandFor(key, placeOf(key.target));
      if (!command) return;
      key.preventDefault();
      run(command);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [run, help]);

  // On a narrow page the opened event covers the list: the keys go with it.
  useLayoutEffect(() => {
    if (narrow && opened) detail.current?.focus();
  }, [narrow, opened]);

  return (
    <>
      <Toolbar
        view={view}
        paused={state.paused}
        waiting={state.waitingCount}
        filter={filter}
        onView={onView}
        onPause={() => store.togglePause()}
        onClear={clearList}
      />
      <Notices notices={state.notices} onDismiss={(id) => store.dismiss(id)} />
      <main className="main" aria-label="Live events" tabIndex={-1}>
        <TopicList topics={state.topics} pattern={view.pattern} onPick={pick} />
        <div className="work">
          {state.events.length === 0 && !opened ? (
            state.received > 0 ? (
              <p className="cleared">{state.paused ? "Paused. What arrives waits." : "Cleared. New events appear here."}</p>
            ) : (
              <Welcome pattern={view.pattern} connection={state.connection} />
            )
          ) : (
            <EventList
              events={state.events}
              selected={selected}
              opened={opened?.seq ?? null}
              narrow={narrow}
              list={list}
              onSelect={setSelected}
              onOpen={open}
              onTop={toTop}
            />
          )}
          {opened && <EventDetail event={opened} panel={detail} onClose={close} onMove={move} />}
        </div>
      </main>
      {help && <Shortcuts onClose={() => onHelp(false)} />}
    </>
  );
}
