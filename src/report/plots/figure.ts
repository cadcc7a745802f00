import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { SystemName } from "../../bench/types.ts";
import type { NetworkName } from "../../lanes/types.ts";

/** The part of an SVG element that is needed here; there is no browser. */
interface Element {
  readonly outerHTML: string;
  setAttribute(name: string, value: string): void;
}

/** Colours as variables of the page, so that plots follow its light and dark theme. */
export const systemColours: Readonly<Record<SystemName, string>> = {
  "original-float32": "var(--original)",
  "original-int8": "var(--int8)",
  compressed: "var(--compressed)",
  twin: "var(--twin)",
};

export const networkColours: Readonly<Record<NetworkName, string>> = {
  original: "var(--original)",
  "original-int8": "var(--int8)",
  compressed: "var(--compressed)",
};

/** Widths in pixels: half of the page, and all of it. */
export const half = 440;
export const full = 920;

/** Draws a plot as SVG text. `description` says in words what it shows, for those who cannot see it. */
export function figure(description: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg: Element = Plot.plot({ width: half, style: { fontSize: "13px" }, ...options, document });
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", description);
  return svg.outerHTML;
}

/** A fraction on an axis of percentages. */
export const toPercent = (fraction: number): number => 100 * fraction;

/** Ticks of an axis of percentages. */
export const percentTick = (value: number): string => `${Number(value.toFixed(2))} %`;
