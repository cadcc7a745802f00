import type { Score } from "../compress/index.ts";
import type { Table } from "./comparison.ts";
import { inBytes, metric, percent, times } from "./figures.ts";

/** The networks that a recipe made, and the twins that they would make. */
export function candidatesTable(scores: readonly Score[]): Table {
  return {
    headings: ["network", "multiply-adds", "file", "time", "agreement", "accuracy", "escalated", "twin's speed-up"],
    rows: scores.map(({ candidate, macs, bytes, time, agreement, accuracy, escalationRate, cost }) => [
      candidate,
      metric(macs),
      inBytes(bytes),
      percent(time),
      percent(agreement),
      accuracy === undefined ? "" : percent(accuracy),
      percent(escalationRate),
      times(1 / cost),
    ]),
  };
}
