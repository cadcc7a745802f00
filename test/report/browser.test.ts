// Needs: Chromium, at /usr/bin/chromium or where CHROMIUM says.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { htmlReport } from "../../src/report/index.ts";
import { scratch } from "../support/twins.ts";
import { syntheticResult } from "./fixture.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const { path: folder, remove } = scratch();

describe.skipIf(!existsSync(executablePath) && !process.env.CI)(
  "the report in Chromium (skipped where it is not installed)",
  () => {
    let browser: Browser;
    beforeAll(async () => {
      writeFileSync(join(folder, "report.html"), htmlReport(await syntheticResult()));
      const args = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--no-first-run",
      ];
      browser = await chromium.launch({ executablePath, args });
    });
    afterAll(async () => {
      await browser?.close();
      remove();
    });

    test.each([
      ["a desk", 1280],
      ["a phone", 390],
    ])("asks for nothing, complains of nothing and fits the width of %s", async (_, width) => {
      const page = await browser.newPage({ viewport: { width, height: 900 } });
      const requests: string[] = [];
      const complaints: string[] = [];
      page.on("request", (request) => requests.push(request.url()));
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      const address = pathToFileURL(join(folder, "report.html")).href;
      await page.goto(address);
      const elsewhere = requests.filter((url) => url !== address && !url.startsWith("data:"));
      expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] });
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      expect(await page.locator("svg").count()).toBeGreaterThan(3);
      await page.close();
    });
  },
);
