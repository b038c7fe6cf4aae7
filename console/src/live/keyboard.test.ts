import { describe, expect, test } from "vitest";
import { commandFor, type Place } from "./keyboard";

const key = (name: string, more: Partial<{ ctrlKey: boolean; metaKey: boolean; altKey: boolean }> = {}) => ({
  key: name, ctrlKey: false, metaKey: false, altKey: false, ...more,
});
const PLACES: Place[] = ["page", "text", "button", "fields"];

describe("commandFor", () => {
  test("moves, opens, pauses and filters from the page", () => {
    const pairs = { ArrowDown: "next", ArrowUp: "previous", Enter: "open", " ": "pause", p: "pause", "/": "filter", "?": "help", Home: "first" };
    for (const [name, command] of Object.entries(pairs)) expect(commandFor(key(name), "page")).toBe(command);
  });

  test("leaves a text field its keys", () => {
    for (const name of ["p", "/", " ", "ArrowDown", "Enter", "x"]) expect(commandFor(key(name), "text")).toBeNull();
  });

  test("leaves a button Enter and Space", () => {
    expect(commandFor(key("Enter"), "button")).toBeNull();
    expect(commandFor(key(" "), "button")).toBeNull();
    expect(commandFor(key("p"), "button")).toBe("pause");
  });

  test("leaves the parsed fields the arrows", () => {
    expect(commandFor(key("ArrowDown"), "fields")).toBeNull();
    expect(commandFor(key("j"), "fields")).toBe("next");
  });

  test("closes from everywhere", () => {
    for (const place of PLACES) expect(commandFor(key("Escape"), place)).toBe("close");
  });

  test("leaves the browser its own shortcuts", () => {
    for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }]) expect(commandFor(key("p", more), "page")).toBeNull();
  });

  test("knows nothing of keys named like members of every object", () => {
    expect(commandFor(key("constructor"), "page")).toBeNull();
  });
});
