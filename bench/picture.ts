/**
 * Draws the README's picture from a result of `twindnn bench --json`:
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/picture.js result.json > docs/images/trade-off.svg
 */
import { readFileSync } from "node:fs";
import { parseBenchResult } from "../src/bench/index.ts";
import { full } from "../src/report/plots/figure.ts";
import { tradeOffPlot } from "../src/report/plots/trade-off.ts";

const [file = ""] = process.argv.slice(2);
const result = parseBenchResult(JSON.parse(readFileSync(file, "utf8")), file);

/** The page's colours in its light theme: an image has no page to take them from. */
const style = `svg {
  --page: #fdfdfb; --card: #f5f5f1; --ink: #1c2024; --soft: #5c646d; --rule: #dcdcd4;
  --original: #66707c; --int8: #8563c4; --compressed: #d98200; --twin: #0b72b9;
  color: var(--ink); background: var(--page); font-family: system-ui, sans-serif;
}`;

const svg = tradeOffPlot(result, full)
  .replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
  .replace(/(<svg [^>]*>)/, `$1<style>${style}</style>`);
process.stdout.write(`${svg}\n`);
