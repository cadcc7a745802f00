import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import type { BenchResult } from "../../src/bench/types.ts";
import { percent, times } from "../../src/report/figures.ts";
import { htmlReport } from "../../src/report/html.ts";
import { html } from "../../src/report/markup.ts";
import { syntheticResult } from "./fixture.ts";

interface Parsed {
  readonly textContent: string;
  readonly children: Iterable<Parsed>;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  readonly localName: string;
  querySelectorAll(selector: string): Iterable<Parsed>;
}

/** The page as a browser reads it. */
const parse = (page: string): Parsed => parseHTML(page).document.documentElement;
const elements = (page: string, selector = "*"): Parsed[] => [...parse(page).querySelectorAll(selector)];

const textOf = (page: string): string => parse(page).textContent;
const described = (page: string) =>
  elements(page, "svg").map(({ attributes }) => [...attributes].find(({ name }) => name === "aria-label")?.value);

/** A result whose every name is an attack. */
async function hostileResult(attack: string): Promise<BenchResult> {
  const result = await syntheticResult({
    labels: [`${attack}0`, `${attack}1`, `${attack}2`],
    images: 600,
    pictures: 3,
  });
  for (const image of result.escalatedImages) image.name = attack;
  for (const run of result.timeline) run.lane = attack;
  result.split.source = attack;
  result.command = attack;
  result.twin = { ...result.twin, name: attack, recipe: attack, confidence: attack };
  result.machine.cpu = attack;
  return result;
}

describe("the HTML report", () => {
  it("reaches for nothing outside itself: no address, no script, no import", async () => {
    const page = htmlReport(await syntheticResult());
    const without = page.replaceAll(/xmlns(:\w+)?="[^"]*"|data:image\/png;base64,[\w+/=]*/g, "");
    expect(without.match(/.{0,40}(\/\/|https?:|@import|url\().{0,40}/gi)).toBe(null);
    expect(elements(page, "script, link, iframe, object, embed, form, base")).toEqual([]);
    for (const { attributes } of elements(page, "[src], [href]")) {
      for (const { name, value } of attributes)
        if (name === "src" || name === "href") expect(value).toMatch(/^data:image\/png;base64,/);
    }
  });

  it.each([
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "</style></title></svg><svg onload=alert(1)>",
    "&lt;b&gt;",
  ])("shows %s as the text it is", async (attack) => {
    const page = htmlReport(await hostileResult(attack));
    const plain = htmlReport(await hostileResult("x"));
    const tags = (text: string) => elements(text).map(({ localName }) => localName);
    expect(new Set(tags(page))).toEqual(new Set(tags(plain)));
    expect(elements(page, "script")).toEqual([]);
    for (const { attributes } of elements(page)) for (const { name } of attributes) expect(name).not.toMatch(/^on/);
    expect(elements(page, "h1")[0]!.textContent).toBe(attack);
    expect(elements(page, ".pictures small")[0]!.textContent).toContain(attack);
  });

  it("shows every main figure of the result, and follows it when it changes", async () => {
    const result = await syntheticResult({ pictures: 2 });
    for (const speedUp of [result.speedUp.versusFloat32.median, 7.77]) {
      result.speedUp.versusFloat32.median = speedUp;
      expect(textOf(htmlReport(result))).toContain(`The twin runs at ${times(speedUp)} the original's speed`);
    }
    const text = textOf(htmlReport(result));
    for (const system of Object.values(result.systems)) expect(text).toContain(percent(system.agreement, 2));
    for (const word of [
      result.machine.cpu,
      result.command,
      result.split.source,
      "2026-11-20",
      "With a probability of 95 %",
    ]) {
      expect(text).toContain(word);
    }
  });

  it("has a described plot for each view of the result", async () => {
    expect(new Set(described(htmlReport(await syntheticResult({ pictures: 0 }))))).toEqual(
      new Set([
        "Accuracy against speed-up of every system, and of the twin at every threshold",
        "The twin's accuracy over the threshold",
        "The twin's agreement with the original over the threshold",
        "The twin's escalated over the threshold",
        "The twin's speed-up over the threshold",
        "Accuracy on the worst classes",
        "How often the compressed network is right, over its probability",
        "Speed-up of each system in each round",
        "Share of images answered within a time, one image at a time",
        "Which network each lane ran, and when",
      ]),
    );
  });

  it("is made from a result that has only what every result has", async () => {
    const {
      guarantee: _g,
      recovery: _r,
      drop: _d,
      reliability: _l,
      ...result
    } = await syntheticResult({ labelled: false, int8: false, pictures: 0 });
    const bare = { ...result, curve: [], ladder: [], classes: [], timeline: [] };
    for (const system of Object.values(bare.systems)) {
      delete system.latencyMs;
      delete system.fromFiles;
      delete system.peakMemoryMiB;
      system.server = [];
    }
    const page = htmlReport(bare);
    expect(parse(page).textContent).toContain("No promise");
    expect(page.match(/.{0,40}(undefined|NaN|\[object).{0,40}/)).toBe(null);
  });

  it("is the same for the same result", async () => {
    const [one, other] = [htmlReport(await syntheticResult()), htmlReport(await syntheticResult())];
    expect(one === other).toBe(true);
  });
});

describe("html", () => {
  it("escapes what is filled in, and keeps markup", () => {
    expect(html`<p title="${`"<'&`}">${html`<b>${"<i>"}</b>`}${["<", html`<br>`]}${undefined}${0}</p>`.text).toBe(
      '<p title="&quot;&lt;&#39;&amp;"><b>&lt;i&gt;</b>&lt;<br>0</p>',
    );
  });
});
