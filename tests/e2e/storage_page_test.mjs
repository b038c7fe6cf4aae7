// The console's Storage page and its warnings in a real browser, against a running server.
//
//   MYELIN_HTTP=http://127.0.0.1:8080 node storage_page_test.mjs sound|damaged|full [SCREENSHOT.png]
//
// sound: a server with all in order. damaged: one whose scrub has a damaged segment to find (its name in
// MYELIN_DAMAGED_FILE) and whose disk counts as low. full: one whose disk counts as full. run.py sees to each.

import assert from "node:assert/strict";
import { environment, runSteps } from "./browser.mjs";

const http = environment("MYELIN_HTTP").replace(/\/$/, "");
const [phase, screenshot] = process.argv.slice(2);
const STATUS = "**/api/v1/admin/log";

const open = (page, name) => page.getByRole("link", { name, exact: true });

async function focused(page) {
  return page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");
}

// Tab, as somebody without a mouse does, until the focus is there.
async function tabTo(page, name) {
  for (let tabs = 0; tabs < 30; tabs++) {
    await page.keyboard.press("Tab");
    if ((await focused(page)) === name) return;
  }
  assert.fail(`no Tab leads to ${name}`);
}

const card = (page, id) => page.getByTestId(id);

function sound({ page, found }) {
  return [
    ["the page is reached by keyboard, and keeps its address", async () => {
      await page.goto(`${http}/#topic=hl7.oru.*`);
      await page.getByTestId("connection").getByText("Live").waitFor();
      await tabTo(page, "Storage");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Storage" }).waitFor();
      assert.equal(page.url(), `${http}/#/storage`);
      assert.equal(await page.title(), "Storage · Myelin");
      assert.equal(await focused(page), "Storage");
      assert.equal(await open(page, "Storage").getAttribute("aria-current"), "page");
    }],
    ["it tells disk and journal in words", async () => {
      await card(page, "disk").getByText("Enough room").waitFor();
      await page.getByRole("meter", { name: "Disk used" }).waitFor();
      await page.getByRole("meter", { name: "Journal used" }).waitFor();
    }],
    ["it says that nothing is damaged, and how often it looked", async () => {
      await card(page, "damage").getByText(/No damage found in \d+ rounds?\./).waitFor();
      assert.doesNotMatch(await card(page, "scrub").innerText(), /never yet/);
      assert.equal(await page.getByRole("alert").count(), 0);
    }],
    ["a reload stays on it", async () => {
      await page.reload();
      await card(page, "disk").waitFor();
      assert.equal(page.url(), `${http}/#/storage`);
    }],
    ["Live is gone back to with the filter it had", async () => {
      await page.goto(`${http}/#topic=hl7.oru.*`);
      await open(page, "Storage").click();
      await card(page, "disk").waitFor();
      await open(page, "Live").focus();
      await page.keyboard.press("Enter");
      await page.getByTestId("connection").getByText("Live").waitFor();
      assert.equal(page.url(), `${http}/#topic=hl7.oru.*`);
      assert.equal(await page.locator("#topic-filter").inputValue(), "hl7.oru.*");
      await page.goBack();
      await card(page, "disk").waitFor();
    }],
    ["a server that is gone is told, and what was read stays", async () => {
      assert.deepEqual(found, []);
      await page.route(STATUS, (route) => route.abort());
      await page.getByRole("alert").getByText("The server does not answer.").waitFor();
      await card(page, "disk").getByText("Enough room").waitFor();
      await page.unroute(STATUS);
      await page.getByTestId("storage-failure").waitFor({ state: "detached" });
    }],
    ["a browser that is not let in is told so, and Live goes on", async () => {
      await page.route(STATUS, (route) => route.fulfill({ status: 403, json: {} }));
      await page.reload();
      await page.getByRole("alert").getByText("only to a browser on its own machine").waitFor();
      await open(page, "Live").click();
      await page.getByTestId("connection").getByText("Live").waitFor();
      await page.getByRole("button", { name: "All topics" }).click();
      await page.getByRole("listbox", { name: "Events, newest first" }).getByRole("option").first().waitFor();
    }],
    ["the page said nothing but that it was not answered", async () => {
      assert.deepEqual(found.filter((line) => !line.startsWith("console error: Failed to load resource")), []);
    }],
  ];
}

function damaged({ page, found }) {
  const file = environment("MYELIN_DAMAGED_FILE");
  const alerts = page.getByRole("alert");
  return [
    ["each page warns of damage and of a disk that is low", async () => {
      await page.goto(`${http}/`);
      await alerts.getByText("Stored records are damaged: those cannot be read, all others can.").waitFor();
      await alerts.getByText("Disk space is low: make room soon, new messages are still taken.").waitFor();
      await page.getByTestId("warning-damage").getByText("1 damaged range", { exact: true }).waitFor();
      await page.getByTestId("warning-space").getByText(/^\d+ % used, .* free$/).waitFor();
    }],
    ["a warning leads to the page", async () => {
      await page.getByTestId("warning-damage").getByRole("link").click();
      await page.getByRole("heading", { name: "Storage" }).waitFor();
      await page.getByTestId("warning-damage").waitFor();
    }],
    ["the damaged range is listed, with what to do", async () => {
      const row = page.getByRole("table").getByRole("row").filter({ hasText: file });
      await row.waitFor();
      assert.match(await row.innerText(), /hl7\.adt\.a01 \d+/);
      assert.equal(await page.getByRole("row").count(), 2);
      assert.match(await card(page, "damage").innerText(), /Read docs\/repair\.md\. These records cannot be read; all others can\./);
      await card(page, "disk").getByText("Low", { exact: true }).waitFor();
      if (screenshot) await page.screenshot({ path: screenshot });
    }],
    ["a warning is told once, not with each look", async () => {
      await page.evaluate(() => {
        globalThis.told = [];
        new MutationObserver((changes) => {
          for (const { target, addedNodes } of changes) {
            const near = target instanceof Element ? target : target.parentElement;
            if (near?.closest("[role=alert]") || addedNodes.length > 0) globalThis.told.push(near?.outerHTML);
          }
        }).observe(document.querySelector(".warnings"), { subtree: true, childList: true, characterData: true, attributes: true });
      });
      for (let looks = 0; looks < 2; looks++) await (await page.waitForResponse(STATUS)).finished();
      await open(page, "Live").click();
      await page.getByTestId("connection").waitFor();
      assert.deepEqual(await page.evaluate(() => globalThis.told), []);
      assert.equal(await alerts.count(), 2 + (await page.locator(".notices").count()));
    }],
    ["the page raised no error, broke no policy and asked nobody else", async () => {
      assert.deepEqual(found, []);
    }],
  ];
}

function full({ page, found }) {
  return [
    ["a full disk is told in words, on the page and as a warning", async () => {
      await page.goto(`${http}/#/storage`);
      await page.getByRole("alert").getByText("Disk full: new messages are refused until space returns.").waitFor();
      await card(page, "disk").getByText("Full", { exact: true }).waitFor();
      assert.match(await page.getByRole("meter", { name: "Disk used" }).getAttribute("aria-valuetext"), /^\d+ % used: Full$/);
    }],
    ["the page raised no error", async () => {
      assert.deepEqual(found, []);
    }],
  ];
}

const steps = { sound, damaged, full }[phase] ?? assert.fail(`there is no ${phase}`);
process.exitCode = await runSteps({ http, screenshot, steps });
