// The console: the head, the warnings and one page. What the pages show is kept here, so that the events go on arriving
// while another page is looked at, and the log is watched on each.

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { fromParameter, type View } from "../live/address";
import { LivePage } from "../live/live_page";
import { LiveStore } from "../live/store";
import { LogWatch } from "../storage/log_watch";
import { StoragePage } from "../storage/storage_page";
import { Warnings } from "../storage/warnings";
import { PAGE_NAMES, readAddress, writeAddress, type Address } from "./address";
import { StatusBar } from "./status_bar";

function useAddress(): [Address, (view: View) => void] {
  const [address, setAddress] = useState(() => readAddress(window.location.hash));
  useEffect(() => {
    const onHash = () => setAddress((before) => readAddress(window.location.hash, before));
    window.addEventListener("hashchange", onHash);
    return () => window.removeEventListener("hashchange", onHash);
  }, []);
  useEffect(() => {
    const { pathname, search } = window.location;
    window.history.replaceState(null, "", pathname + search + writeAddress(address));
  }, [address]);
  const showView = useCallback((view: View) => setAddress((before) => ({ ...before, view })), []);
  return [address, showView];
}

export function Console() {
  const [store] = useState(() => new LiveStore());
  const [watch] = useState(() => new LogWatch());
  const [address, showView] = useAddress();
  const [help, setHelp] = useState(false);
  const log = useSyncExternalStore(watch.subscribe, watch.snapshot);
  const { page, view } = address;

  useEffect(() => {
    store.open(view.pattern, fromParameter(view.start, Date.now()));
    return () => store.close();
  }, [store, view]);

  useEffect(() => {
    watch.start();
    return () => watch.stop();
  }, [watch]);

  // A page that is gone to gets the focus, so that the keys act on it and a screen reader tells its name.
  const content = useRef<HTMLDivElement>(null);
  const shown = useRef(page);
  useEffect(() => {
    document.title = `${PAGE_NAMES[page]} · Myelin`;
    setHelp(false);
    if (shown.current === page) return;
    shown.current = page;
    content.current?.querySelector<HTMLElement>("main")?.focus();
  }, [page]);

  return (
    <div ref={content} className="page">
      <StatusBar store={store} address={address} onHelp={page === "live" ? () => setHelp(true) : null} />
      <Warnings status={log.status} />
      {page === "live" ? (
        <LivePage store={store} view={view} help={help} onView={showView} onHelp={setHelp} />
      ) : (
        <StoragePage reading={log} />
      )}
    </div>
  );
}
