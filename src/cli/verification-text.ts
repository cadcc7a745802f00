import pc from "picocolors";
import { cpuClass } from "../lanes/index.ts";
import { percent, significant } from "../report/figures.ts";
import { describePromise, type Verification } from "../twin/index.ts";

/** Whether a guarantee holds here, and why, for a person. */
export function verificationText({ guarantee, canaries, images, holds }: Verification): string {
  const verdict = holds ? pc.green("holds") : pc.red("does not hold");
  const lines = [
    `${describePromise(guarantee)}: ${verdict} here (calibrated on ${guarantee.cpuClass}, this CPU is ${cpuClass()})`,
    `canaries: confidence changed by ${significant(canaries.confidenceChange)} at most, ${canaries.changedAnswers} sure answers changed: ${canaries.passed ? "pass" : "fail"}`,
  ];
  if (images !== undefined) {
    const { agreement, escalationRate, labelled } = images.evaluation;
    const drop = labelled === undefined ? "" : `, drop ${(100 * labelled.drop.value).toFixed(2)} points`;
    lines.push(
      `on these images: agreement ${percent(agreement.value, 2)}${drop}, escalation ${percent(escalationRate.value)}`,
    );
    lines.push(images.proven ? "they prove the promise again" : `they do not prove it: ${images.problem}`);
    if (images.known > 0) lines.push(`${images.known} of them calibrated the twin: use others`);
  }
  return lines.join("\n");
}
