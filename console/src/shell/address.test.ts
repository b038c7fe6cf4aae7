import { expect, test } from "vitest";
import { readAddress, writeAddress } from "./address";

test("an address leads back to the page it was written for", () => {
  for (const hash of ["", "#topic=hl7.oru.*&since=24h", "#/storage"]) expect(writeAddress(readAddress(hash))).toBe(hash);
});

test("Live keeps its view while another page is shown", () => {
  const live = readAddress("#topic=hl7.oru.*");
  const storage = readAddress("#/storage", live);
  expect(storage.page).toBe("storage");
  expect(writeAddress({ ...storage, page: "live" })).toBe("#topic=hl7.oru.*");
});

test("the same view stays the same object, so that its stream is not opened anew", () => {
  const live = readAddress("#topic=hl7.oru.*");
  expect(readAddress("#topic=hl7.oru.*", readAddress("#/storage", live)).view).toBe(live.view);
  expect(readAddress("#topic=hl7.adt.*", live).view.pattern).toBe("hl7.adt.*");
});

test("an unknown page is Live", () => {
  expect(writeAddress(readAddress("#/nowhere"))).toBe("");
});
