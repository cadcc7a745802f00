import { pairedRatio } from "../src/bench/statistics.ts";
import { percent } from "../src/figures.ts";
import type { Evaluation } from "../src/twin/index.ts";
import type { Seconds } from "./in-turn.ts";

/** What a system answers. Shares, 0 to 1. */
export interface SystemResult {
  readonly name: string;
  readonly accuracy: number;
  /** Accuracy of its first network alone. */
  readonly alone?: number;
  readonly escalationRate?: number;
  readonly recovery?: number | undefined;
}

/** Of the original, and of the twin. */
export function resultsOfTwin({ labelled, escalationRate }: Evaluation): SystemResult[] {
  const { accuracy, recovery } = labelled!;
  const { original, compressed, twin } = accuracy;
  return [
    { name: "original", accuracy: original.value },
    {
      name: "twin",
      accuracy: twin.value,
      alone: compressed.value,
      escalationRate: escalationRate.value,
      recovery,
    },
  ];
}

/** A row a system, in Markdown; speed-ups are medians of ratios within a round, with the least and the most. */
export function tableOf(results: readonly SystemResult[], seconds: Seconds): string {
  const heads = ["system", "accuracy", "first network alone", "escalated", "recovery", "speed-up", "min to max"];
  const original = seconds.get("original")!;
  const rows = results.map(({ name, accuracy, alone, escalationRate, recovery }) => {
    const { median, min, max } = pairedRatio(original, seconds.get(name)!);
    const shares = [accuracy, alone, escalationRate, recovery].map(shown);
    return [name, ...shares, `${median.toFixed(2)}×`, `${min.toFixed(2)} to ${max.toFixed(2)}`];
  });
  return [heads, ["---", ...heads.slice(1).map(() => "---:")], ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");
}

const shown = (share: number | undefined): string => (share === undefined ? "" : percent(share, 2));
