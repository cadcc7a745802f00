import * as Plot from "@observablehq/plot";
import type { LaneRun } from "../../bench/types.ts";
import { below, figure, full, networkColours } from "./figure.ts";

/** What each lane ran, and when: gaps are idle time. */
export function timelinePlot(runs: readonly LaneRun[]): string {
  const lanes = new Set(runs.map(({ lane }) => lane)).size;
  const networks = Object.keys(networkColours);
  return figure("Which network each lane ran, and when", {
    width: full,
    height: 56 + 44 * lanes,
    marginLeft: 64,
    marginTop: 8,
    x: { label: "milliseconds", ...below },
    y: { label: null, tickSize: 0 },
    color: { domain: networks, range: Object.values(networkColours) },
    marks: [
      Plot.barX([...runs], {
        x1: "started",
        x2: "finished",
        y: "lane",
        fill: "network",
        insetLeft: 0.5,
        insetRight: 0.5,
        insetTop: 3,
        insetBottom: 3,
        rx: 2,
      }),
    ],
  });
}
