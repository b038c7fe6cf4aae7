// The head of each page: whose it is, the pages, whether the events are connected, how fast they arrive.

import { useEffect, useState, useSyncExternalStore } from "react";
import { BrandMark } from "../live/icons";
import type { Meter } from "../live/meter";
import type { LiveState } from "../live/state";
import type { LiveStore } from "../live/store";
import { count, rate } from "../text";
import { PAGE_NAMES, PAGES, writeAddress, type Address } from "./address";

const TOLD: Record<LiveState["connection"], string> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  refused: "Refused",
};

function useRate(meter: Meter): { perSecond: number; history: number[] } {
  const read = () => ({ perSecond: meter.perSecond(Date.now()), history: meter.history(Date.now()) });
  const [value, setValue] = useState(read);
  useEffect(() => {
    const timer = setInterval(() => setValue(read()), 1_000);
    return () => clearInterval(timer);
  }, [meter]);
  return value;
}

// One bar a second of the last minute.
function Sparkline({ history }: { history: number[] }) {
  const top = Math.max(...history, 1);
  const bars = history.map((value, i) => {
    const height = value === 0 ? 0 : Math.max(1.5, (value / top) * 18);
    return `M${i * 2 + 1} 20v-${height.toFixed(1)}`;
  });
  return (
    <svg className="sparkline" viewBox={`0 0 ${history.length * 2} 20`} preserveAspectRatio="none" aria-hidden="true">
      <path d={bars.join("")} />
    </svg>
  );
}

// Links, not buttons: they open in another tab, can be copied, and the browser's back button goes on working.
export function Pages({ address }: { address: Address }) {
  return (
    <nav className="pages" aria-label="Pages">
      {PAGES.map((page) => (
        <a key={page} href={writeAddress({ ...address, page }) || "#"} aria-current={page === address.page ? "page" : undefined}>
          {PAGE_NAMES[page]}
        </a>
      ))}
    </nav>
  );
}

interface Props {
  store: LiveStore;
  address: Address;
  onHelp: (() => void) | null; // None: the page has no keys of its own.
}

export function StatusBar({ store, address, onHelp }: Props) {
  const state = useSyncExternalStore(store.subscribe, store.snapshot);
  const { perSecond, history } = useRate(store.meter);
  const connection = state.paused && state.connection === "live" ? "paused" : state.connection;
  const told = connection === "paused" ? "Paused" : TOLD[connection];
  return (
    <header className="status-bar">
      <div className="brand">
        <BrandMark />
        <span className="brand-name">Myelin</span>
      </div>
      <Pages address={address} />
      <div className="figures">
        <div className="figure wide-only" title="Events that arrived in each second of the last minute">
          <Sparkline history={history} />
        </div>
        <div className="figure" title="Events per second, over the last three seconds">
          <span className="figure-value">{rate(perSecond)}</span>
          <span className="figure-unit">/s</span>
        </div>
        <div className="figure total" title="Events received since this view was opened">
          <span className="figure-value" data-testid="received">
            {count(state.received)}
          </span>
          <span className="figure-unit">events</span>
        </div>
        <div className={`connection ${connection}`} role="status" data-testid="connection">
          <span className="dot" />
          {told}
        </div>
        {onHelp && (
          <button type="button" className="button quiet" onClick={onHelp} title="Keyboard shortcuts (?)" aria-label="Keyboard shortcuts">
            <kbd>?</kbd>
          </button>
        )}
      </div>
    </header>
  );
}
