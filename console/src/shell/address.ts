// Which page an address names: "#/storage", otherwise Live with what its own view has there ("#topic=…"). All of it stands
// behind "#", so the server serves one file and a reload stays on the page.

import { readView, writeView, type View } from "../live/address";

export const PAGES = ["live", "storage"] as const;
export type Page = (typeof PAGES)[number];

export const PAGE_NAMES: Record<Page, string> = { live: "Live", storage: "Storage" };

export interface Address {
  page: Page;
  view: View; // Of Live; kept while another page is shown.
}

const STORAGE = "#/storage";

// `before`: what was shown, so that Live is gone back to as it was.
export function readAddress(hash: string, before: Address | null = null): Address {
  if (hash === STORAGE || hash === `${STORAGE}/`) return { page: "storage", view: before?.view ?? readView("") };
  const view = readView(hash);
  const same = before !== null && before.view.pattern === view.pattern && before.view.start === view.start;
  return { page: "live", view: same ? before.view : view };
}

export function writeAddress({ page, view }: Address): string {
  return page === "storage" ? STORAGE : writeView(view);
}
