import type { BenchResult } from "../bench/types.ts";
import { percent, points, times } from "./figures.ts";
import { html } from "./markup.ts";
import { about } from "./page/about.ts";
import { answers } from "./page/answers.ts";
import { documentOf } from "./page/document.ts";
import { lanes } from "./page/lanes.ts";
import { type Fact, factsOf } from "./page/parts.ts";
import { thresholds, tradeOff, trust } from "./page/quality.ts";
import { comparison, spread } from "./page/speed.ts";
import { guaranteeSentence, headline } from "./sentences.ts";

/**
 * One HTML file that shows a bench result. It needs no network and no script: style, plots and pictures are inside.
 * Every figure in it comes from the result.
 */
export function htmlReport(result: BenchResult): string {
  const lead = html`<p class="lead">${headline(result)}</p>
${factsOf(mainFacts(result))}
<p class="promise">${guaranteeSentence(result)}</p>`;
  const body = html`${comparison(result)}
${tradeOff(result)}
${answers(result)}
${thresholds(result)}
${trust(result)}
${spread(result)}
${lanes(result)}
${about(result)}`;
  const date = result.started.slice(0, 10);
  return documentOf({ name: result.twin.name, tool: "twindnn bench", date, lead }, body);
}

function mainFacts({ speedUp, systems, drop, recovery, escalationRate }: BenchResult): Fact[] {
  const { versusFloat32, versusInt8, byOperations } = speedUp;
  const int8 = versusInt8 === undefined ? "" : `${times(versusInt8.median)} against int8, `;
  const facts = [
    { name: "speed-up", figure: times(versusFloat32.median), detail: `${int8}${times(byOperations)} by operations` },
    { name: "agreement", figure: percent(systems.twin!.agreement, 2), detail: "with the original in float32" },
    { name: "escalated", figure: percent(escalationRate), detail: "of the images were handed on" },
  ];
  if (drop !== undefined) facts.push(dropFact(drop, recovery));
  return facts;
}

function dropFact(
  { value, low, high, probability }: NonNullable<BenchResult["drop"]>,
  recovery: number | undefined,
): Fact {
  const interval = `${percent(probability, 0)} interval ${points(low)} to ${points(high)}`;
  const recovered = recovery === undefined ? "" : `; ${percent(recovery, 0)} recovered`;
  return { name: "drop, in points", figure: points(value), detail: `${interval}${recovered}` };
}
