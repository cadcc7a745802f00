import { quantity } from "../figures.ts";
import { percent, points } from "../report/figures.ts";
import { terminalTable } from "../report/tables.ts";
import type { Evaluation, Measured } from "../twin/index.ts";

/** An evaluation, for a person: shares with their 95 % intervals. */
export function evaluationText(evaluation: Evaluation): string {
  const { images, agreement, escalationRate, answeredBy, labelled } = evaluation;
  const rows: string[][] = [];
  if (labelled !== undefined) {
    for (const [network, accuracy] of Object.entries(labelled.accuracy)) {
      if (accuracy !== undefined) rows.push([`accuracy, ${network}`, ...figures(accuracy)]);
    }
    rows.push(["drop, in points", ...figures(labelled.drop, points)]);
    if (labelled.recovery !== undefined) rows.push(["recovery", percent(labelled.recovery), ""]);
  }
  rows.push(["agreement", ...figures(agreement)], ["escalation rate", ...figures(escalationRate)]);
  const answers = Object.entries(answeredBy).filter(([, count]) => count > 0);
  return [
    terminalTable({ headings: [quantity(images, "image"), "", "95 % interval"], rows }),
    `answered by ${answers.map(([network, count]) => `${network}: ${count}`).join(", ")}`,
  ].join("\n");
}

const share = (fraction: number): string => percent(fraction, 2);

const figures = ({ value, low, high }: Measured, written = share): [string, string] => [
  written(value),
  `${written(low)} to ${written(high)}`,
];
