import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import type { Failure } from "./log_watch";
import { StoragePage } from "./storage_page";
import { range, space, status } from "./test_support";
import { Warnings } from "./warnings";

const NOW = new Date();
const page = (changes: Record<string, unknown> = {}, failure: Failure | null = null) =>
  renderToStaticMarkup(<StoragePage reading={{ status: status(changes), readAt: NOW, failure }} />);
const text = (html: string) => html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");

describe("the page", () => {
  test("tells the disk in words and as a labelled meter", () => {
    const html = page({ space: space("full", 96) });
    expect(text(html)).toContain("96 % used Full");
    expect(text(html)).toContain("New messages are refused until space returns.");
    expect(html).toMatch(/role="meter" aria-label="Disk used"[^>]*aria-valuenow="96" aria-valuetext="96 % used: Full"/);
  });

  test("says what it means that there is nothing to show", () => {
    const quiet = text(page({ scrub: { rounds: 0, bytes: 0, lastRound: null } }));
    expect(quiet).toContain("Last round ended never yet");
    expect(quiet).toContain("Nothing was removed since the server started.");
    expect(quiet).toContain("No partition was compacted since the server started.");
    expect(text(page())).toContain("No damage found in 2 rounds.");
  });

  test("lists damage with what to do", () => {
    const html = page({ damage: [range()] });
    expect(text(html)).toContain("1 damaged range. Read docs/repair.md. These records cannot be read; all others can.");
    const row = text(html.slice(html.indexOf("<tbody>"), html.indexOf("</tbody>")));
    for (const part of ["hl7.adt.a01 0", "7 to 9", "its checksum does not match", "512 bytes from 4,096", " topics/hl7.adt.a01-0/"]) {
      expect(row).toContain(part);
    }
  });

  test("says so when not all damage is listed", () => {
    expect(text(page({ damage: [range()], damagedRanges: 1200 }))).toMatch(/1,200 damaged ranges\..* Only the first 1 are listed\./);
    expect(text(page({ damage: [range()] }))).not.toContain("are listed");
  });

  test("shows names as text, hidden characters seen", () => {
    const html = page({ damage: [range({ topic: "<b>\u202e" })] });
    expect(html).toContain("&lt;b&gt;[U+202E]");
  });

  test("keeps the last figures beside a failure, and says of when they are", () => {
    const html = text(page({}, { kind: "unreachable" }));
    expect(html).toContain("The server does not answer.");
    expect(html).toContain("What is shown was read at");
    expect(html).toContain("41 % used");
  });

  test("says plainly that it is not let in", () => {
    const html = renderToStaticMarkup(<StoragePage reading={{ status: null, readAt: null, failure: { kind: "forbidden" } }} />);
    expect(text(html)).toContain("only to a browser on its own machine");
    expect(html).not.toContain('role="meter"');
  });
});

describe("the warnings", () => {
  const warnings = (changes: Record<string, unknown>) => renderToStaticMarkup(<Warnings status={status(changes)} />);
  const alerts = (html: string) => [...html.matchAll(/role="alert">([^<]*)</g)].map(([, told]) => told);

  test("are told as alerts and lead to the page", () => {
    const html = warnings({ space: space("full", 96), damage: [range()] });
    expect(alerts(html)).toEqual([
      "Disk full: new messages are refused until space returns.",
      "Stored records are damaged: those cannot be read, all others can.",
    ]);
    expect(html.match(/href="#\/storage"/g)?.length).toBe(2);
  });

  test("tell nothing again when only figures changed", () => {
    const before = warnings({ space: space("low", 85), damage: [range()] });
    const after = warnings({ space: space("low", 86), damage: [range(), range({ byte: 1 })] });
    expect(after).not.toBe(before);
    expect(alerts(after)).toEqual(alerts(before));
  });

  test("are none while all is well", () => {
    expect(text(warnings({})).trim()).toBe("");
  });
});
