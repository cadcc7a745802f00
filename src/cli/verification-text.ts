import { styleText } from "node:util";
import { cpuClass } from "../lanes/index.ts";
import { percent, points, significant } from "../report/figures.ts";
import { describePromise, type Verification } from "../twin/index.ts";

/** Whether a guarantee holds here, and why, for a person. */
export function verificationText({ guarantee, canaries, images, holds }: Verification): string {
  const lines = [
    `${describePromise(guarantee)}: ${verdictOf(holds, canaries.passed)} here (calibrated on ${guarantee.cpuClass}, this CPU is ${cpuClass()})`,
    `canaries: confidence changed by ${significant(canaries.confidenceChange)} at most, ${canaries.changedAnswers} sure answers changed: ${canaries.passed ? "pass" : "fail"}`,
  ];
  if (images !== undefined) {
    const { agreement, escalationRate, labelled } = images.evaluation;
    const drop = labelled === undefined ? "" : `, drop ${points(labelled.drop.value)} points`;
    lines.push(
      `on these images: agreement ${percent(agreement.value, 2)}${drop}, escalation ${percent(escalationRate.value)}`,
    );
    lines.push(images.proven ? "they prove the promise again" : images.problem!);
    if (images.known > 0)
      lines.push(
        `${images.known} of them calibrated the twin or made its compressed network, and prove nothing: use others`,
      );
  }
  return lines.join("\n");
}

/** Images that prove too little do not say that a promise is broken. */
function verdictOf(holds: boolean, canariesPass: boolean): string {
  if (holds) return styleText("green", "holds");
  return canariesPass ? styleText("yellow", "is not proven") : styleText("red", "does not hold");
}
