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

/** Widths in pixels: all of the page, half of it, and a phone's. */
export const full = 920;
export const half = 440;
export const narrow = 380;

/** Half as wide as the page, with room for percentages on the left and for a label above and below. */
const layout = {
  width: half,
  marginTop: 34,
  marginLeft: 68,
  marginRight: 20,
  marginBottom: 50,
  style: { fontSize: "13px" },
};

/** Draws a plot as SVG text. `description` says in words what it shows, for those who cannot see it. */
export function figure(description: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg: Element = Plot.plot({ ...layout, ...options, document });
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", description);
  return svg.outerHTML;
}

/** A fraction on an axis of percentages. */
export const toPercent = (fraction: number): number => 100 * fraction;

/** A tick of an axis of percentages, with as many digits as tell the ticks apart. */
export function percentTick(value: number, _place: number, ticks: readonly number[] = [0, 1]): string {
  const step = Math.abs(ticks[1]! - ticks[0]!);
  return `${value.toFixed(step >= 1 ? 0 : step >= 0.1 ? 1 : 2)} %`;
}

/** A tick of an axis of speed-ups. */
export const timesTick = (value: number): string => `${value}×`;

/** What every axis below a plot and beside it looks like: its label in words alone. */
export const below = { labelAnchor: "center", labelArrow: "none" } as const;
export const beside = { labelArrow: "none", grid: true, tickSize: 0, ticks: 5 } as const;
