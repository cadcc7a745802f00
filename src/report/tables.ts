import TerminalTable from "cli-table3";
import type { BenchResult } from "../bench/types.ts";
import { latencyTable, type Table, throughputTable } from "./comparison.ts";
import { percent, points, times } from "./figures.ts";
import { guaranteeSentence } from "./sentences.ts";

/** The result as a terminal shows it: tables, the main figures, the promise. */
export function resultText(result: BenchResult): string {
  const latencies = latencyTable(result);
  const parts = [
    terminalTable(throughputTable(result)),
    ...(latencies.headings.length > 1 ? [terminalTable(latencies)] : []),
    summary(result),
    guaranteeSentence(result),
  ];
  return parts.join("\n\n");
}

/** Rules above and below the headings and at the end, nothing between columns but room. */
const rules = {
  top: "─",
  "top-mid": "─",
  "top-left": "",
  "top-right": "",
  mid: "─",
  "mid-mid": "─",
  "left-mid": "",
  "right-mid": "",
  bottom: "─",
  "bottom-mid": "─",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  middle: " ",
  right: "",
};

/** A table in columns, without colours; figures flush right. */
export function terminalTable({ headings, rows }: Table): string {
  const table = new TerminalTable({
    head: [...headings],
    chars: rules,
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 1 },
    colAligns: headings.map((_, place) => (place === 0 ? "left" : "right")),
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

/** The throughput table as GitHub renders it, for `docs/results.md`. */
export function markdownTable(result: BenchResult): string {
  const { headings, rows } = throughputTable(result);
  const alignments = headings.map((_, place) => (place === 0 ? "---" : "---:"));
  return [headings.map(escapeBars), alignments, ...rows.map((row) => row.map(escapeBars))]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/** A cell whose bars do not end it. */
const escapeBars = (cell: string): string => cell.replaceAll("\\", "\\\\").replaceAll("|", "\\|");

/** Speed-ups and shares, one a line. */
function summary({ speedUp, escalationRate, recovery, drop }: BenchResult): string {
  const { versusFloat32, versusInt8, byOperations } = speedUp;
  const int8 = versusInt8 === undefined ? "" : `, ${times(versusInt8.median)} versus int8`;
  const lines = [
    `speed-up   ${times(versusFloat32.median)} versus float32${int8}, ${times(byOperations)} by operations`,
    `escalated  ${percent(escalationRate)}`,
  ];
  if (recovery !== undefined) lines.push(`recovery   ${percent(recovery)}`);
  if (drop !== undefined) {
    const interval = `${percent(drop.probability, 0)} interval ${points(drop.low)} to ${points(drop.high)}`;
    lines.push(`drop       ${points(drop.value)} points (${interval})`);
  }
  return lines.join("\n");
}
