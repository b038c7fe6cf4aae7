import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { readAddress } from "./address";
import { Pages } from "./status_bar";

const links = (hash: string) => {
  const html = renderToStaticMarkup(<Pages address={readAddress(hash)} />);
  return [...html.matchAll(/<a href="([^"]*)"( aria-current="page")?>([^<]*)</g)].map(([, href, here, name]) => [name, href, here !== undefined]);
};

test("each page is a link, and the one shown says so", () => {
  expect(links("")).toEqual([["Live", "#", true], ["Storage", "#/storage", false]]);
  expect(links("#/storage")).toEqual([["Live", "#", false], ["Storage", "#/storage", true]]);
});
